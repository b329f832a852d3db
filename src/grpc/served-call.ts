/** The Call that a handler is given, its parts made when first looked at: most handlers look at none, and each costs as much as the rest. */
import type { Call, Method } from "../call.ts";
import type { MicrorunError } from "../errors.ts";
import { type Fields, readFields } from "./metadata.ts";

export interface ServedCall {
  readonly call: Call;
  abort(reason: MicrorunError): void;
  /** What the handler wants sent, as far as it has touched it. */
  readonly header: Headers | undefined;
  readonly trailer: Headers | undefined;
}

export interface ServedCallOptions {
  readonly method: Method;
  readonly request: unknown;
  readonly headers: Fields;
  readonly peer: string | undefined;
  readonly deadline: number | undefined;
}

export function createServedCall({
  method,
  request,
  headers,
  peer,
  deadline,
}: ServedCallOptions): ServedCall {
  let metadata: Headers | undefined;
  let controller: AbortController | undefined;
  let aborted: MicrorunError | undefined;
  let header: Headers | undefined;
  let trailer: Headers | undefined;
  const reply = {
    get header() {
      header ??= new Headers();
      return header;
    },
    get trailer() {
      trailer ??= new Headers();
      return trailer;
    },
  };
  return {
    call: {
      service: method.service,
      method: method.name,
      request,
      type: method,
      get metadata() {
        metadata ??= readFields(headers);
        return metadata;
      },
      get signal() {
        if (controller === undefined) {
          controller = new AbortController();
          if (aborted !== undefined) controller.abort(aborted);
        }
        return controller.signal;
      },
      reply,
      ...(deadline === undefined ? {} : { deadline }),
      ...(peer === undefined ? {} : { peer }),
    },
    abort(reason) {
      aborted = reason;
      controller?.abort(reason);
    },
    get header() {
      return header;
    },
    get trailer() {
      return trailer;
    },
  };
}
