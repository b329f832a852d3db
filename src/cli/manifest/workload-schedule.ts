/** When a job runs: a schedule as Kubernetes reads it, five fields of cron or a word in their place. */

/** Its fields in their order: the least, the most, and the names that numbers from the least have. */
const fields: readonly (readonly [least: number, most: number, names?: string])[] = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12, "jan feb mar apr may jun jul aug sep oct nov dec"],
  // Sunday is 0 alone, not 7
  [0, 6, "sun mon tue wed thu fri sat"],
];

export function isSchedule(text: string): boolean {
  if (/^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(text)) return true;
  const given = text.trim().split(/\s+/);
  return (
    given.length === fields.length &&
    given.every((field, at) => field.split(",").every((part) => isPart(part, ...fields[at]!)))
  );
}

/** `*`, `7`, `mon-fri`, any of them with a step such as `/15`. */
function isPart(text: string, least: number, most: number, names = ""): boolean {
  const [, range = "", step] = /^([^/]+)(?:\/(\d+))?$/.exec(text) ?? [];
  if (step !== undefined && Number(step) === 0) return false;
  if (range === "*" || range === "?") return true;
  const numbers = range.split("-").map((word) => {
    const named = names.split(" ").findIndex((name) => name !== "" && name === word.toLowerCase());
    return /^\d+$/.test(word) ? Number(word) : named < 0 ? Number.NaN : least + named;
  });
  const [first = Number.NaN, last = first] = numbers;
  return numbers.length <= 2 && first >= least && first <= last && last <= most;
}
