/** What a client is asked for, as its caller said it. */
import type { CallOptions } from "./client.ts";

/** Options of a call that has none. */
export const unsaid: CallOptions = {};

export interface Asked {
  readonly service: string;
  readonly endpoint: string;
  readonly request: unknown;
  readonly how: CallOptions;
  /** Replies are read one by one; without a deadline of its own. */
  readonly stream: boolean;
}
