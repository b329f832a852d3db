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
  private readonly call: Call;
  private readonly changes: CallChanges;
  private changedSignal: AbortSignal | undefined = undefined;

  constructor(call: Call, changes: CallChanges) {
    this.call = call;
    this.changes = changes;
  }

  get service(): string {
    return this.call.service;
  }

  get method(): string {
    return this.call.method;
  }

  get request(): unknown {
    return "request" in this.changes ? this.changes.request : this.call.request;
  }

  get metadata(): Headers {
    return this.changes.metadata ?? this.call.metadata;
  }

  get signal(): AbortSignal {
    this.changedSignal ??= this.changes.signal === undefined ? this.call.signal : this.changes.signal();
    return this.changedSignal;
  }

  get deadline(): number | undefined {
    return this.changes.deadline ?? this.call.deadline;
  }

  get claims(): Claims | undefined {
    return this.changes.claims ?? this.call.claims;
  }

  get peer(): string | undefined {
    return this.call.peer;
  }

  get reply(): ReplyMetadata | undefined {
    return this.call.reply;
  }

  get type(): Method | undefined {
    return this.call.type;
  }

  get target(): string | undefined {
    return this.call.target;
  }

  get way(): unknown {
    return this.call.way;
  }

  field(name: string): string | undefined {
    return this.call.field?.(name);
  }
}
