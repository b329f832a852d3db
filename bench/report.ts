/** Writes the figures for people: tables that are Markdown and read well on a terminal. */
import { type Figures, type Group, median, type Row, ratios, type Unit } from "./figures.ts";
import { type Goal, goals } from "./goals.ts";

export interface Setting {
  /** In general words: nothing that names a machine. */
  readonly machine: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly rounds: number;
  readonly seconds: number;
}

export function report({ rows, notes }: Pick<Figures, "rows" | "notes">, setting: Setting): string {
  const versions = Object.entries(setting.versions).map(([name, version]) => `${name} ${version}`);
  const of = (group: Group): Row[] => rows.filter((row) => row.group === group);
  return [
    `${setting.machine}; ${versions.join(", ")}.`,
    `Medians of ${setting.rounds} rounds of ${setting.seconds} s for each figure, servers in turn; (min–max).`,
    ...(notes.length === 0 ? [] : [notes.map((note) => `- ${note}`).join("\n")]),
    ...section("Goals", goalTable(goals(rows))),
    ...section("gRPC, grpc-go = 1", ratioTable(of("grpc"), "grpc-go", ["microrun", "grpc-js"])),
    ...section("JSON over HTTP/1.1, Bun.serve = 1", ratioTable(of("json"), "Bun.serve", [])),
    ...section("Calls observed, microrun = 1", ratioTable(of("observed"), "microrun", [])),
    ...section("Workers, one = 1", ratioTable(of("workers"), "1", [])),
    ...section("gRPC", valueTable(of("grpc"))),
    ...section("JSON over HTTP/1.1", valueTable(of("json"))),
    ...section("Calls observed", valueTable(of("observed"))),
    ...section("Workers", valueTable(of("workers"))),
    ...section("Calls out, grpc-go = 1", ratioTable(of("out"), "grpc-go", ["microrun", "grpc-js"])),
    ...section("Calls out", valueTable(of("out"))),
    ...section("Calls spread over five instances", valueTable(of("spread"))),
    ...section("Pods of a cluster", valueTable(of("pods"))),
    ...section("Shipping", valueTable(of("shipping"))),
  ].join("\n\n");
}

type Table = readonly (readonly string[])[];

function section(title: string, lines: Table): string[] {
  return lines.length < 2 ? [] : [`## ${title}`, table(lines)];
}

function goalTable(found: readonly Goal[]): Table {
  const lines = found.map(({ what, sign, limit, found, met }) => [
    what,
    `${sign} ${limit}`,
    found.toFixed(found < 10 ? 2 : 1),
    met ? "met" : "missed",
  ]);
  return [["goal", "limit", "found", ""], ...lines];
}

/** @param pair two servers that are also set against one another */
function ratioTable(rows: readonly Row[], base: string, pair: readonly string[]): Table {
  const names = namesOf(rows).filter((name) => name !== base);
  const [a, b] = pair;
  const head = ["", ...names, ...(a && b ? [`${a} ÷ ${b}`] : [])];
  const lines = rows.map((row) => [
    row.what,
    ...names.map((name) => spread(ratios(row, name, base), (value) => value.toFixed(2))),
    ...(a && b ? [spread(ratios(row, a, b), (value) => value.toFixed(2))] : []),
  ]);
  return [head, ...lines];
}

function valueTable(rows: readonly Row[]): Table {
  const names = namesOf(rows);
  const lines = rows.map((row) => [
    `${row.what}, ${row.unit}`,
    ...names.map((name) => spread(row.values[name] ?? [], (value) => text(value, row.unit))),
  ]);
  return [["", ...names], ...lines];
}

const namesOf = (rows: readonly Row[]): string[] => [
  ...new Set(rows.flatMap(({ values }) => Object.keys(values))),
];

function spread(values: readonly number[], write: (value: number) => string): string {
  if (values.length === 0) return "–";
  const middle = write(median(values));
  if (values.length === 1) return middle;
  return `${middle} (${write(Math.min(...values))}–${write(Math.max(...values))})`;
}

const text = (value: number, unit: Unit): string =>
  unit.endsWith("/s") || value >= 100
    ? Math.round(value).toLocaleString("en")
    : value.toFixed(value < 10 ? 2 : 1);

/** First column to the left, figures to the right. */
function table([head, ...lines]: Table): string {
  const all = [head ?? [], ...lines];
  const widths = (head ?? []).map((_, column) =>
    Math.max(3, ...all.map((line) => line[column]?.length ?? 0)),
  );
  const write = (line: readonly string[]): string =>
    `| ${widths.map((width, column) => (column === 0 ? line[column]!.padEnd(width) : line[column]!.padStart(width))).join(" | ")} |`;
  const rule = `|${widths.map((width, column) => "-".repeat(width + 1) + (column === 0 ? "-" : ":")).join("|")}|`;
  return [write(head ?? []), rule, ...lines.map(write)].join("\n");
}
