/** `recover`: what a caller is told of what was thrown, and who else hears of it. */
import type { Call } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { isStream } from "../iteration.ts";
import { live } from "./live.ts";
import type { Layer, Surroundings } from "./middleware.ts";
import { type Kinds, kinds } from "./option-kinds.ts";

export interface RecoverOptions {
  /**
   * Asked with what was thrown, MicrorunErrors too, and for which call (absent: a web request). What it returns, where that is a
   * MicrorunError, is what the caller is told; else the runtime's own answer stands. What it throws is logged.
   */
  readonly onError?: (thrown: unknown, call: Call | undefined) => unknown;
}

const table: Kinds<RecoverOptions> = { onError: kinds.callback };

/**
 * The runtime answers `internal` to whatever is thrown, with this or without: it is for another answer, or for telling others. Put it
 * first: it sees what those below it throw.
 */
export function recover(options: RecoverOptions = {}): Layer {
  const held = live("recover", table, options, ({ onError }) => onError);
  const told = async (
    thrown: unknown,
    call: Call | undefined,
    around: Surroundings | undefined,
  ): Promise<never> => {
    try {
      const other = await held(around)?.(causeOf(thrown), call);
      if (other instanceof MicrorunError) thrown = other;
    } catch (error) {
      around?.log.error("middleware recover: onError failed", { error });
    }
    throw thrown;
  };
  const layer: Layer = (next, around) => {
    held(around);
    return (call) =>
      next(call).then(
        (reply) => (isStream(reply) ? recovered(reply, (thrown) => told(thrown, call, around)) : reply),
        (thrown: unknown) => told(thrown, call, around),
      );
  };
  const web: Layer["web"] = (next, around) => async (visit) => {
    try {
      return await next(visit);
    } catch (thrown) {
      return told(thrown, undefined, around);
    }
  };
  return Object.assign(layer, { web });
}

/** A handler's own error, where the runtime has put another around it. */
function causeOf(thrown: unknown): unknown {
  const isOurs = thrown instanceof MicrorunError && thrown.code === "internal" && thrown.cause !== undefined;
  return isOurs ? thrown.cause : thrown;
}

async function* recovered(
  replies: AsyncIterable<unknown>,
  told: (thrown: unknown) => Promise<never>,
): AsyncGenerator<unknown> {
  try {
    yield* replies;
  } catch (thrown) {
    await told(thrown);
  }
}
