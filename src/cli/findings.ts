/** What a doctor found, for people: a line each, what to do below it, and what is to be applied at the end. */
import type { CheckedFinding } from "../doctor.ts";
import { plain } from "./output.ts";

const colors = { ok: "32", warn: "33", fail: "31" } as const;
const statusCells = 4;

export function findingsText(findings: readonly CheckedFinding[], color: boolean): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.map(({ check, status, what, todo }) => {
    const shown = status.padEnd(statusCells);
    const mark = color ? `\x1b[${colors[status]}m${shown}\x1b[0m` : shown;
    const order =
      todo === undefined ? "" : `${" ".repeat(statusCells + 2 + width + 2)}hint: ${plain(todo)}\n`;
    return `${mark}  ${check.padEnd(width)}  ${plain(what)}\n${order}`;
  });
  return lines.join("") + countText(findings) + findings.map(yamlPart).join("");
}

function countText(findings: readonly CheckedFinding[]): string {
  const counts = (["fail", "warn", "ok"] as const).map(
    (status) => `${findings.filter((finding) => finding.status === status).length} ${status}`,
  );
  return `\n${counts.join(", ")}\n`;
}

/** Documents of their own, so that all can be applied as they stand. */
function yamlPart({ check, what, todo, yaml }: CheckedFinding): string {
  if (yaml === undefined) return "";
  return `\n---\n# ${check}: ${plain(what)}\n# ${plain(todo ?? "")}\n${yaml}`;
}
