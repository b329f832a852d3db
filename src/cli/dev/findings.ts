/** What a doctor found, for people: a line each, what to do below it, and the objects to apply at the end. */
import type { CheckedFinding } from "../../doctor.ts";
import { plain } from "../command/output.ts";

const colors = { ok: "32", warn: "33", fail: "31" } as const;
const statusCells = 4;

export function findingsText(findings: readonly CheckedFinding[], color: boolean): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const margin = " ".repeat(statusCells + 2 + width + 2);
  const lines = findings.map(({ check, status, what, todo, yaml }) => {
    const shown = status.padEnd(statusCells);
    const mark = color ? `\x1b[${colors[status]}m${shown}\x1b[0m` : shown;
    const order = todo === undefined ? "" : `${margin}hint: ${plain(todo)}\n`;
    const part = yaml === undefined || isWhole(yaml) ? "" : yaml.replaceAll(/^(?=.)/gm, `${margin}  `);
    return `${mark}  ${check.padEnd(width)}  ${plain(what)}\n${order}${part}`;
  });
  return lines.join("") + countText(findings) + findings.map(appliedText).join("");
}

function countText(findings: readonly CheckedFinding[]): string {
  const counts = (["fail", "warn", "ok"] as const).map(
    (status) => `${findings.filter((finding) => finding.status === status).length} ${status}`,
  );
  return `\n${counts.join(", ")}\n`;
}

/** Objects, and not a part of one. */
function isWhole(yaml: string): boolean {
  return yaml.startsWith("apiVersion:");
}

/** Documents, so that all can be applied as they stand. */
function appliedText({ check, what, yaml }: CheckedFinding): string {
  return yaml === undefined || !isWhole(yaml) ? "" : `\n---\n# ${check}: ${plain(what)}\n${yaml}`;
}
