/** Whether a source's objects can be read at all, as a fault to tell: a refusal at once, an API server that is away after a while. */
import { MicrorunError } from "../../errors.ts";
import type { ConfigAddress } from "../config-address.ts";
import type { Verb } from "../permissions/contact.ts";
import { deniedMessage, grantHint, isDenial, type Needed, subjectOf } from "../permissions/denied.ts";

/** A watch that is broken and mended sooner is nothing to tell, in ms. */
export const contactGraceMs = 1000;

export interface ConfigContact extends Disposable {
  /** The objects are known, for the first time or again. */
  readonly listed: boolean;
  readonly fault: MicrorunError | undefined;
  /** The answer to a list or a watch. */
  heard(verb: Verb, error: MicrorunError | undefined): void;
}

export interface ConfigContactOptions {
  readonly address: ConfigAddress & { readonly namespace: string };
  /** All that the hint of a refusal grants. */
  readonly needed: Needed;
  /** Called when `listed` or `fault` may have changed. */
  readonly changed: () => void;
  /** @default contactGraceMs */
  readonly graceMs?: number;
}

export function configContact(options: ConfigContactOptions): ConfigContact {
  const { address, needed, changed, graceMs = contactGraceMs } = options;
  let listed = false;
  const failures = new Map<Verb, MicrorunError>();
  let away: MicrorunError | undefined;
  let overdue = false;
  let timer: NodeJS.Timeout | undefined;

  return {
    get listed() {
      return listed;
    },
    get fault() {
      return failures.get("list") ?? failures.get("watch") ?? (overdue ? away : undefined);
    },
    heard(verb, error) {
      if (error !== undefined && !isDenial(error)) {
        // the reasons of an API server that is away change while it comes back
        away ??= error;
        // before the first list nobody has values that might soon be good again
        overdue ||= !listed;
        timer ??= setTimeout(() => {
          overdue = true;
          changed();
        }, graceMs);
        timer.unref?.();
      } else {
        clearTimeout(timer);
        timer = away = undefined;
        overdue = false;
        if (error !== undefined) failures.set(verb, refusal(error, verb, address, needed));
        else failures.delete(verb);
        // who may not even list has yet to ask for a watch
        if (error !== undefined && verb === "list") failures.delete("watch");
        // who may list but not watch is refused still
        if (error === undefined && verb === "watch") failures.clear();
        if (error === undefined && verb === "list") listed = true;
      }
      changed();
    },
    [Symbol.dispose]: () => clearTimeout(timer),
  };
}

function refusal(
  error: MicrorunError,
  verb: Verb,
  { kind, namespace }: ConfigContactOptions["address"],
  needed: Needed,
): MicrorunError {
  const { message, fields } = deniedMessage(error, verb, `${kind}s`, namespace);
  if (error.code !== "permission_denied") {
    return new MicrorunError(error.code, message, { hint: String(fields.hint), cause: error });
  }
  const subject = subjectOf(error.message);
  const hint = grantHint(subject, subject.serviceAccountNamespace ?? namespace, needed);
  return new MicrorunError(error.code, message, { hint, cause: error });
}
