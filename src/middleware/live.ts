/** Options that the configuration may have a word in: made into what holds, and made anew when they have changed. */
import { isDeepStrictEqual } from "node:util";
import type { ConfigData } from "../config/config.ts";
import { errorText, MicrorunError, usageError } from "../errors.ts";
import type { Live, Surroundings } from "./middleware.ts";
import { checkOptions, type Kinds } from "./option-kinds.ts";

/** What holds now. Asked at the start, too. @throws MicrorunError for options that cannot hold, as long as none have held */
export type Held<Made> = (around?: Surroundings) => Made;

/**
 * @param name as errors call it
 * @param kinds what each option must be: one that is misspelt is refused, as it would do nothing
 */
export function live<T extends object, Made>(
  name: string,
  kinds: Kinds<T>,
  options: Live<T>,
  make: (options: T, around?: Surroundings) => Made,
): Held<Made> {
  let held: { readonly data: ConfigData | undefined; readonly given: T; readonly made: Made } | undefined;
  const given = (around: Surroundings | undefined): T => {
    if (typeof options !== "function") return options;
    if (around === undefined) throw usageError("its options ask for a configuration", "run it in a service");
    return (options as (config: Surroundings["config"]) => T)(around.config);
  };
  return (around) => {
    if (typeof options !== "function" && held !== undefined) return held.made;
    const data = around?.config.data;
    if (held !== undefined && data === held.data) return held.made;
    try {
      const next = given(around);
      checkOptions(next, kinds);
      // who was counted stays counted while nothing changes
      const same = held !== undefined && isDeepStrictEqual(next, held.given);
      held = { data, given: next, made: same && held !== undefined ? held.made : make(next, around) };
    } catch (error) {
      if (held === undefined) throw named(name, error);
      held = { ...held, data };
      around?.log.warn(`${name}: what the configuration says is not taken: ${errorText(error)}`);
    }
    return held.made;
  };
}

function named(name: string, thrown: unknown): MicrorunError {
  if (!(thrown instanceof MicrorunError))
    return new MicrorunError("failed_precondition", `middleware ${name}: ${errorText(thrown)}`, {
      cause: thrown,
    });
  const { code, message, hint } = thrown;
  // what others share with it may name itself
  const own = message.toLowerCase().startsWith(`${name}: `) ? message.slice(name.length + 2) : message;
  return new MicrorunError(code, `middleware ${name}: ${own}`, hint === undefined ? {} : { hint });
}
