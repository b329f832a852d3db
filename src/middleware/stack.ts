/** A module's middleware, put on top of each other: the first is the outermost. */
import type { Call, Dispatch, Middleware } from "../call.ts";
import { MicrorunError, usageError } from "../errors.ts";
import type { CorsRules, Layer, Surroundings, WebDispatch } from "./middleware.ts";
import { refusal } from "./refusal.ts";

/**
 * Around the module's own methods: what the runtime answers itself (health, reflection, Debug) passes by.
 * @param isOwn the call is the runtime's to answer
 * @throws MicrorunError `invalid_argument` for options that cannot hold
 */
export function stackCalls(
  layers: readonly Layer[],
  around: Surroundings,
  isOwn: (call: Call) => boolean = () => false,
): Middleware {
  if (layers.length === 0) return (next) => next;
  return (next) => {
    const stacked = layers.reduceRight((inner, layer) => settled(layer(inner, around)), next);
    const failed = (call: Call, thrown: unknown): never => {
      if (!(thrown instanceof MicrorunError))
        around.log.error(`middleware of ${call.service}.${call.method} failed`, { error: thrown });
      throw MicrorunError.from(thrown);
    };
    return async (call) => {
      if (isOwn(call)) return next(call);
      try {
        return await stacked(call);
      } catch (thrown) {
        return failed(call, thrown);
      }
    };
  };
}

/** Who throws at once and who rejects are the same to what stands around them. */
function settled(dispatch: Dispatch): Dispatch {
  return (call) => {
    try {
      return dispatch(call);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  };
}

/** Whatever has to be loaded is. @throws MicrorunError as `stackCalls` */
export async function makeReady(layers: readonly Layer[], around: Surroundings): Promise<void> {
  for (const { ready } of layers) await ready?.(around);
}

/** The same around the module's own `fetch`, as far as they stand there. */
export function stackWeb(layers: readonly Layer[], around: Surroundings, next: WebDispatch): WebDispatch {
  const standing = layers.filter(({ web }) => web !== undefined);
  if (standing.length === 0) return next;
  const stacked = standing.reduceRight((inner, { web }) => web?.(inner, around) ?? inner, next);
  return async (visit) => {
    try {
      return await stacked(visit);
    } catch (thrown) {
      if (!(thrown instanceof MicrorunError)) throw thrown;
      return refusal(thrown);
    }
  };
}

/** What the list says of other origins, asked at each request. Undefined: nothing. @throws MicrorunError `invalid_argument` */
export function corsOf(layers: readonly Layer[], around: Surroundings): (() => CorsRules) | undefined {
  const [first, ...more] = layers.flatMap(({ cors }) => (cors === undefined ? [] : [cors]));
  if (more.length > 0) throw usageError("middleware: cors is there twice", "put all origins into one");
  if (first === undefined) return undefined;
  first(around);
  return () => first(around);
}
