/** What is known of the API server's being there and willing, told in the log when it changes and not again. */
import type { MicrorunError } from "../../errors.ts";
import type { Log } from "../../log.ts";
import { deniedMessage, isDenial, type Needs, type Resource } from "./denied.ts";

export type Verb = "list" | "watch";

export interface Contact {
  /** ms since the epoch */
  readonly staleSince: number | undefined;
  readonly denied: MicrorunError | undefined;
  /** It answered well. */
  succeeded(verb: Verb): void;
  /** @param since ms since the epoch, when contact was lost */
  failed(verb: Verb, error: MicrorunError, since: number): void;
  /** Nothing was heard for too long. */
  lost(since: number): void;
}

export function contact(resource: Resource, log: Log, needs?: Needs): Contact {
  let staleSince: number | undefined;
  let denied: MicrorunError | undefined;
  /** The last failure told. */
  let told: { readonly verb: Verb; readonly text: string } | undefined;
  const { apiGroup, name, namespace } = resource;
  const where = namespace === undefined ? "in all namespaces" : `in namespace ${namespace}`;

  return {
    get staleSince() {
      return staleSince;
    },
    get denied() {
      return denied;
    },
    succeeded: (verb) => {
      staleSince = undefined;
      // who may list but not watch is refused still
      if (verb === "list" && denied !== undefined && told?.verb === "watch") return;
      denied = undefined;
      if (told === undefined) return;
      told = undefined;
      log.info(`${name} ${where} are watched now`);
    },
    failed: (verb, error, since) => {
      staleSince ??= since;
      const refused = isDenial(error);
      denied = refused ? error : undefined;
      const full = apiGroup === "" ? name : `${name}.${apiGroup}`;
      const { message, fields } = refused
        ? deniedMessage(error, verb, full, namespace, needs)
        : {
            message: `cannot watch ${name} ${where}: ${error.message}`,
            fields: error.hint === undefined ? {} : { hint: error.hint },
          };
      // the reasons of an API server that is away change while it comes back
      const text = refused ? message : "away";
      if (told?.text === text) return;
      told = { verb, text };
      log.warn(message, fields);
    },
    lost: (since) => {
      staleSince ??= since;
    },
  };
}
