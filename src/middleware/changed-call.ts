/** A call with something of it changed: what costs to be made is still made when first looked at. */
import type { Call, Claims, Method, ReplyMetadata } from "../call.ts";

/** What middleware may change. */
export type CallChanges = Partial<Pick<Call, "request" | "metadata" | "deadline" | "claims">> & {
  /** Asked for once, when it is first looked at. */
  readonly signal?: () => AbortSignal;
};

/** Calls are not to be spread: much of one is made when it is asked for. */
export function changedCall(call: Call, changes: CallChanges): Call {
  return new ChangedCall(call, changes);
}

/** A class, as every call may make some. */
class ChangedCall implements Call {
  readonly service: string;
  readonly method: string;
  readonly request: unknown;
  declare readonly deadline?: number;
  declare readonly peer?: string;
  declare readonly reply?: ReplyMetadata;
  declare readonly type?: Method;
  declare readonly claims?: Claims;
  declare readonly target?: string;
  declare readonly way?: unknown;
  declare readonly field?: (name: string) => string | undefined;
  private readonly call: Call;
  private readonly changes: CallChanges;
  private changedSignal: AbortSignal | undefined = undefined;

  constructor(call: Call, changes: CallChanges) {
    this.call = call;
    this.changes = changes;
    this.service = call.service;
    this.method = call.method;
    this.request = "request" in changes ? changes.request : call.request;
    const { peer, reply, type, target, way } = call;
    const deadline = changes.deadline ?? call.deadline;
    const claims = changes.claims ?? call.claims;
    if (deadline !== undefined) this.deadline = deadline;
    if (peer !== undefined) this.peer = peer;
    if (reply !== undefined) this.reply = reply;
    if (type !== undefined) this.type = type;
    if (claims !== undefined) this.claims = claims;
    if (target !== undefined) this.target = target;
    if (way !== undefined) this.way = way;
    if (call.field !== undefined) this.field = (name) => call.field?.(name);
  }

  get metadata(): Headers {
    return this.changes.metadata ?? this.call.metadata;
  }

  get signal(): AbortSignal {
    this.changedSignal ??= this.changes.signal === undefined ? this.call.signal : this.changes.signal();
    return this.changedSignal;
  }
}
