/** One call on the client's side, from `dispatch` to bytes on the wire and back, whatever engine speaks HTTP/2. */
import { type Call, jsonMethod } from "../call.ts";
import { abortReason, codes, errorText, MicrorunError } from "../errors.ts";
import { type AnyIterator, discard, iteratorOf } from "../iteration.ts";
import { codecOf, contentTypeFor } from "./content.ts";
import { type Fields, readFields, writeFields } from "./metadata.ts";
import { createPullStream } from "./pull-stream.ts";
import { fromStatus, type Status } from "./status.ts";
import { microTimeout } from "./timeout.ts";

export interface CallStart {
  readonly path: string;
  readonly contentType: string;
  readonly fields: Record<string, string>;
  /** Milliseconds since the epoch; the engine ends the call with `deadline_exceeded`, and tells the server. */
  readonly deadline: number | undefined;
}

/** What the engine tells a call. After `end` nothing more. */
export interface CallListener {
  header(fields: Fields): void;
  message(bytes: Uint8Array): void;
  /**
   * @param heard the peer said so itself: it is no trouble of the connection
   * @param unsent the peer never had the call, or says that it did nothing about it
   */
  end(status: Status, trailer: Fields, heard: boolean, unsent: boolean): void;
}

/** A call as the engine has it. */
export interface CallWire {
  /** Asks for the next message; `message` or `end` answers. */
  read(): void;
  /** One at a time: the next one after `flushed`. */
  send(bytes: Uint8Array, flushed: () => void): void;
  halfClose(): void;
  cancel(): void;
}

export interface Invoking {
  readonly open: (start: CallStart, listener: CallListener) => CallWire;
  /** Said where the peer cannot be reached. */
  readonly address: string;
  readonly maxMessageBytes: number;
}

export interface Invocation {
  readonly reply: Promise<unknown>;
  cancel(reason: MicrorunError): void;
}

/** A server whose clock runs faster by so much, in ms, may reset a call for its deadline before we end it ourselves. */
const resetLeadMs = 10;

/** @param ended called once when the call is over */
export function invoke(
  call: Call,
  { open, address, maxMessageBytes }: Invoking,
  ended: () => void,
): Invocation {
  const method = call.type ?? jsonMethod(call.service, call.method);
  const name = `${call.service}.${call.method}`;
  const contentType = contentTypeFor(method.request);
  const codec = codecOf(contentType);
  const reply = Promise.withResolvers<unknown>();
  let over = false;
  let wire: CallWire | undefined;
  let requests: AnyIterator | undefined;
  let sent: (() => void) | undefined;
  let only: { readonly value: unknown } | undefined;

  const finish = (error?: MicrorunError): void => {
    if (over) return;
    over = true;
    call.signal.removeEventListener("abort", onAbort);
    discard(requests);
    sent?.();
    if (replies === undefined) {
      if (error === undefined) reply.resolve(only?.value);
      else reply.reject(error);
    } else if (error === undefined) replies.end();
    else replies.fail(error);
    ended();
  };
  const cancel = (reason: MicrorunError): void => {
    if (over) return;
    finish(reason);
    wire?.cancel();
  };
  const onAbort = (): void => cancel(abortReason(call.signal));
  const left = (): void => cancel(new MicrorunError("cancelled", "the caller stopped reading"));
  const replies = method.responseStream ? createPullStream(() => wire?.read(), left) : undefined;

  const listener: CallListener = {
    header(fields) {
      if (call.reply !== undefined) readFields(fields, call.reply.header);
    },
    message(bytes) {
      if (over) return;
      try {
        const value = codec.decode(method.response, bytes);
        if (replies !== undefined) return replies.push(value);
        if (only !== undefined) throw new TypeError("more than one message");
        only = { value };
        wire?.read();
      } catch (error) {
        cancel(
          new MicrorunError("internal", `${name}: cannot read the reply: ${errorText(error)}`, {
            cause: error,
          }),
        );
      }
    },
    end(status, trailer, heard, unsent) {
      if (over) return;
      if (call.reply !== undefined) readFields(trailer, call.reply.trailer);
      if (status.code !== 0)
        finish(errorOf(late(status, heard) ? lateStatus : status, address, heard, unsent));
      else if (replies === undefined && only === undefined)
        finish(new MicrorunError("internal", `${name}: the server answered without a message`));
      else finish();
    },
  };

  /** That a call was reset does not say why: at its deadline that is why. */
  const late = ({ code }: Status, heard: boolean): boolean =>
    code === codes.cancelled &&
    !heard &&
    !call.signal.aborted &&
    Date.now() >= (call.deadline ?? Number.POSITIVE_INFINITY) - resetLeadMs;

  const encoded = (message: unknown): Uint8Array => {
    try {
      return codec.encode(method.request, message);
    } catch (error) {
      if (error instanceof MicrorunError) throw error;
      const text = `${name}: cannot write the request: ${errorText(error)}`;
      throw new MicrorunError("invalid_argument", text, { cause: error });
    }
  };

  const send = (message: unknown): Promise<void> => {
    const bytes = encoded(message);
    if (bytes.length > maxMessageBytes) {
      const text = `request of ${bytes.length} bytes: the limit is ${maxMessageBytes}`;
      throw new MicrorunError("resource_exhausted", text);
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    sent = resolve;
    wire?.send(bytes, resolve);
    return promise;
  };

  const sendAll = async (): Promise<void> => {
    if (!method.requestStream) {
      // the end may follow at once
      void send(call.request);
    } else {
      requests = iteratorOf(call.request);
      if (requests === undefined)
        throw new MicrorunError("invalid_argument", `${name}: the request is no stream`);
      for (;;) {
        const next = await requests.next();
        if (over) return;
        if (next.done) break;
        await send(next.value);
        if (over) return;
      }
      requests = undefined;
    }
    wire?.halfClose();
  };

  const begin = async (): Promise<void> => {
    if (call.signal.aborted) throw abortReason(call.signal);
    call.signal.addEventListener("abort", onAbort);
    wire = open(
      {
        path: `/${call.service}/${call.method}`,
        contentType,
        fields: requestFields(call, contentType),
        deadline: call.deadline,
      },
      listener,
    );
    if (replies === undefined) wire.read();
    await sendAll();
  };

  begin().catch((error: unknown) => cancel(MicrorunError.from(error)));
  return { reply: replies === undefined ? reply.promise : Promise.resolve(replies), cancel };
}

/** Go Micro's servers read `timeout` and `x-content-type` beside gRPC's own. */
function requestFields({ metadata, deadline }: Call, contentType: string): Record<string, string> {
  const { "user-agent": _, ...fields } = writeFields(metadata);
  if (deadline !== undefined) fields.timeout = microTimeout(deadline - Date.now());
  return { ...fields, "x-content-type": contentType };
}

const lateStatus: Status = { code: codes.deadline_exceeded, message: "" };

function errorOf(status: Status, address: string, heard: boolean, unsent: boolean): MicrorunError {
  const error = fromStatus(status);
  if (heard) return error;
  const text = error.code === "deadline_exceeded" ? "deadline exceeded" : error.message;
  const hint = status.hint === undefined ? {} : { hint: status.hint };
  return new MicrorunError(error.code, `${address}: ${text}`, { unsent, ...hint });
}
