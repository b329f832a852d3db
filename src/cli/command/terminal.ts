/** What a terminal wants: colours, and how wide it is. */
import type { Environment } from "../flags/values.ts";

interface Stream {
  readonly isTTY?: boolean;
}

/** NO_COLOR (no-color.org) beats FORCE_COLOR, that beats what the stream is. */
export function wantsColor(env: Environment, stream: Stream): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR) return env.FORCE_COLOR !== "0";
  return stream.isTTY === true && env.TERM !== "dumb";
}

/** The columns to write help in. */
export function columns(): number {
  return Math.min(process.stdout.columns ?? 100, 120);
}
