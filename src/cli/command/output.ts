/** How answers are written: tables for people, JSON and YAML for programs. */

/** What others wrote into a registry, without what would steer a terminal. */
export function plain(text: string): string {
  return text.replace(/\p{Cc}/gu, "\ufffd");
}

/** Columns as wide as their widest cell. */
export function tableText(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  const line = (row: readonly string[]) => row.map((cell, at) => cell.padEnd(widths[at]!)).join("  ");
  return rows.map((row) => `${line(row).trimEnd()}\n`).join("");
}

export function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, "\t")}\n`;
}
