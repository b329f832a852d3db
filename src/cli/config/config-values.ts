/** The values of a configuration as lines, and what changed between two of them. */
import type { Shown } from "../../configuration.ts";
import { plain } from "../command/output.ts";

/** `mongodb.host = 127.0.0.1   (configmap://default/micro)` */
export function shownLine({ key, value, source }: Shown): string {
  return `${key} = ${valueText(value)}   (${plain(source)})`;
}

/** A text that would read as something else is quoted. */
export function valueText(value: unknown): string {
  const text =
    typeof value === "string" && value !== "***" && !isPlain(value) ? JSON.stringify(value) : value;
  return plain(typeof text === "string" ? text : (JSON.stringify(text) ?? ""));
}

function isPlain(text: string): boolean {
  // what follows three spaces reads as its source
  if (text === "" || text !== text.trim() || /[\p{Cc}"]|\s{2}\(/u.test(text)) return false;
  return !/^([+-]?\d+(\.\d+)?(e[+-]?\d+)?|true|false|null|[[{].*)$/i.test(text);
}

export interface ValueChange {
  readonly action: "set" | "changed" | "removed";
  readonly value: Shown;
}

/** What differs, whether it may be shown or not. */
export function changesOf(before: readonly Shown[], now: readonly Shown[]): ValueChange[] {
  const old = new Map(before.map((value) => [value.key, value]));
  const left = new Set(now.map(({ key }) => key));
  const removed = before.filter(({ key }) => !left.has(key));
  return [
    ...removed.map((value): ValueChange => ({ action: "removed", value })),
    ...now.flatMap((value): ValueChange[] => {
      const was = old.get(value.key);
      if (was === undefined) return [{ action: "set", value }];
      return was.raw === value.raw ? [] : [{ action: "changed", value }];
    }),
  ];
}
