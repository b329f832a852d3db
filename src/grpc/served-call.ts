/** The Call that a handler is given, its parts made when first looked at: most handlers look at none, and each costs as much as the rest. */
import type { Call, Method, ReplyMetadata } from "../call.ts";
import type { MicrorunError } from "../errors.ts";
import { ownHeaders } from "../lazy-headers.ts";
import { type Fields, readFields } from "./metadata.ts";

export interface ServedCall {
  readonly call: Call;
  abort(reason: MicrorunError): void;
  /** What the handler wants sent, as far as it has touched it. */
  readonly header: Headers | undefined;
  readonly trailer: Headers | undefined;
}

export function createServedCall(
  method: Method,
  request: unknown,
  headers: Fields,
  peer: string | undefined,
  deadline: number | undefined,
): ServedCall {
  return new LazyCall(method, request, headers, peer, deadline);
}

/** A class, as every call makes one. */
class LazyCall implements Call, ServedCall {
  readonly service: string;
  readonly method: string;
  readonly request: unknown;
  readonly type: Method;
  declare readonly deadline?: number;
  declare readonly peer?: string;
  private readonly headers: Fields;
  private known: Headers | undefined = undefined;
  private controller: AbortController | undefined = undefined;
  private aborted: MicrorunError | undefined = undefined;
  private replied: LazyReply | undefined = undefined;

  constructor(
    method: Method,
    request: unknown,
    headers: Fields,
    peer: string | undefined,
    deadline: number | undefined,
  ) {
    this.service = method.service;
    this.method = method.name;
    this.request = request;
    this.type = method;
    this.headers = headers;
    if (peer !== undefined) this.peer = peer;
    if (deadline !== undefined) this.deadline = deadline;
  }

  get call(): Call {
    return this;
  }

  get metadata(): Headers {
    this.known ??= readFields(this.headers);
    return this.known;
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController();
      if (this.aborted !== undefined) this.controller.abort(this.aborted);
    }
    return this.controller.signal;
  }

  get reply(): ReplyMetadata {
    this.replied ??= new LazyReply();
    return this.replied;
  }

  get header(): Headers | undefined {
    return this.replied?.touchedHeader;
  }

  get trailer(): Headers | undefined {
    return this.replied?.touchedTrailer;
  }

  field(name: string): string | undefined {
    const value = this.headers[name];
    return typeof value === "string" ? value : undefined;
  }

  abort(reason: MicrorunError): void {
    this.aborted = reason;
    this.controller?.abort(reason);
  }
}

class LazyReply implements ReplyMetadata {
  touchedHeader: Headers | undefined = undefined;
  touchedTrailer: Headers | undefined = undefined;

  get header(): Headers {
    this.touchedHeader ??= ownHeaders();
    return this.touchedHeader;
  }

  get trailer(): Headers {
    this.touchedTrailer ??= ownHeaders();
    return this.touchedTrailer;
  }
}
