/** A line of another process' log, as Debug.Log tells it and as it is printed. */
import type { Instance } from "../../registry/registry.ts";
import { plain } from "../command/output.ts";

export interface LogEntry {
  /** The id of who logged it. */
  readonly instance: string;
  /** Seconds since the epoch: Go Micro tells no more. */
  readonly time: number;
  /** Empty: not told. */
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, string>>;
}

interface LogReply {
  readonly timestamp?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly message?: string;
}

export function logEntry(
  { id }: Pick<Instance, "id">,
  { timestamp, metadata = {}, message = "" }: LogReply,
): LogEntry {
  const { level = "", ...fields } = metadata;
  return { instance: id, time: Number(timestamp ?? 0), level, message, fields };
}

/** By time; lines of the same second as they came. */
export function inOrder(entries: readonly LogEntry[]): LogEntry[] {
  return entries.toSorted((a, b) => a.time - b.time);
}

/** @param output as the flag says */
export function logText({ instance, time, level, message, fields }: LogEntry, output?: string): string {
  const stamp = new Date(time * 1000).toISOString();
  if (output === "json") return `${JSON.stringify({ time: stamp, instance, level, message, fields })}\n`;
  const pairs = Object.entries(fields).map(([key, value]) => ` ${key}=${fieldText(value)}`);
  const line = `${stamp.slice(0, 19)}Z ${instance} ${level.padEnd(5)} ${message.trimEnd()}${pairs.join("")}`;
  return `${plain(line)}\n`;
}

function fieldText(value: string): string {
  return /^[\w./:@%+,[\]-]+$/.test(value) ? value : JSON.stringify(value);
}
