/** A call with something of it changed: what costs to be made is still made when first looked at. */
import type { Call } from "../call.ts";

/** What middleware may change. */
export type CallChanges = Partial<Pick<Call, "request" | "metadata" | "deadline" | "claims">> & {
  /** Asked for once, when it is first looked at. */
  readonly signal?: () => AbortSignal;
};

/** Calls are not to be spread: much of one is made when it is asked for. */
export function changedCall(call: Call, changes: CallChanges): Call {
  let { metadata } = changes;
  let signal: AbortSignal | undefined;
  const { peer, reply, type, target, way } = call;
  const deadline = changes.deadline ?? call.deadline;
  const claims = changes.claims ?? call.claims;
  return {
    service: call.service,
    method: call.method,
    request: "request" in changes ? changes.request : call.request,
    get metadata() {
      metadata ??= call.metadata;
      return metadata;
    },
    get signal() {
      signal ??= changes.signal === undefined ? call.signal : changes.signal();
      return signal;
    },
    ...(deadline === undefined ? {} : { deadline }),
    ...(peer === undefined ? {} : { peer }),
    ...(reply === undefined ? {} : { reply }),
    ...(type === undefined ? {} : { type }),
    ...(claims === undefined ? {} : { claims }),
    ...(target === undefined ? {} : { target }),
    ...(way === undefined ? {} : { way }),
    ...(call.field === undefined ? {} : { field: (name: string) => call.field?.(name) }),
  };
}
