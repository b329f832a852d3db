/** One call between a client and a server of the same process: its messages, metadata, errors and its end carried across. */
import { type Call, type Dispatch, jsonMethod, type MessageType } from "../call.ts";
import { abortReason, MicrorunError } from "../errors.ts";
import { type AnyIterator, discard, iteratorOf } from "../iteration.ts";
import type { Endpoint } from "../service/service.ts";
import { maxTimerMs } from "../wait.ts";

export interface CarriedCall {
  readonly endpoint: Endpoint;
  readonly reply: Promise<unknown>;
  /** Answers the caller with `reason` at once, and tells the handler. */
  abort(reason: MicrorunError): void;
  readonly over: Promise<void>;
}

export interface Limits {
  readonly maxRequestBytes: number;
  readonly maxReplyBytes: number;
}

export function carryCall(call: Call, endpoint: Endpoint, dispatch: Dispatch, limits: Limits): CarriedCall {
  const { method } = endpoint;
  const asked = call.type ?? jsonMethod(method.service, method.name);
  const name = `${method.service}.${method.name}`;
  const controller = new AbortController();
  const reply = { header: new Headers(), trailer: new Headers() };
  const over = Promise.withResolvers<void>();
  const waiting = new Set<(reason: MicrorunError) => void>();
  let ended = false;
  let failure: MicrorunError | undefined;
  let timer: NodeJS.Timeout | undefined;
  let requests: AnyIterator | undefined;
  let replies: AnyIterator | undefined;

  const finish = (error?: MicrorunError): void => {
    if (ended) return;
    ended = true;
    failure = error;
    clearTimeout(timer);
    call.signal.removeEventListener("abort", cancel);
    if (error !== undefined) controller.abort(error);
    for (const reject of waiting) reject(error ?? new MicrorunError("cancelled", "the call is over"));
    discard(requests);
    discard(replies);
    over.resolve();
  };
  const cancel = (): void => finish(abortReason(call.signal));

  /** Settles as `work` does, or with the end of the call. */
  const unlessOver = <T>(work: T | Promise<T>): Promise<T> => {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    if (ended) reject(failure ?? new MicrorunError("cancelled", "the call is over"));
    waiting.add(reject);
    Promise.resolve(work).then(
      (value) => {
        waiting.delete(reject);
        resolve(value);
      },
      (error) => {
        waiting.delete(reject);
        reject(error);
      },
    );
    return promise;
  };

  /** What ends one side ends the call, for both. */
  const failed = (thrown: unknown): MicrorunError => {
    finish(asSent(thrown));
    return failure ?? asSent(thrown);
  };

  async function* requestStream(): AsyncGenerator<unknown> {
    try {
      if (requests === undefined)
        throw new MicrorunError("invalid_argument", `${name}: the request is no stream`);
      for (;;) {
        const next = await unlessOver(requests.next());
        if (next.done) return;
        yield carry(next.value, asked.request, method.request, limits.maxRequestBytes);
      }
    } catch (thrown) {
      throw failed(thrown);
    }
  }

  async function* replyStream(from: AnyIterator): AsyncGenerator<unknown> {
    try {
      for (;;) {
        const next = await unlessOver(from.next());
        if (next.done) break;
        yield carryReply(next.value);
      }
      sendTrailer();
      replies = undefined;
      finish();
    } catch (thrown) {
      sendTrailer();
      throw failed(thrown);
    } finally {
      finish(new MicrorunError("cancelled", "the caller stopped reading"));
    }
  }

  const carryReply = (value: unknown): unknown => {
    try {
      return carry(value, method.response, asked.response, limits.maxReplyBytes);
    } catch (error) {
      if (error instanceof MicrorunError && error.code === "resource_exhausted") throw error;
      throw new MicrorunError("internal", "internal error", { cause: error });
    }
  };

  const sendHeader = (): void => copy(reply.header, call.reply?.header);
  const sendTrailer = (): void => copy(reply.trailer, call.reply?.trailer);

  const run = async (): Promise<unknown> => {
    try {
      if (method.requestStream) requests = iteratorOf(call.request);
      if (call.signal.aborted) throw abortReason(call.signal);
      call.signal.addEventListener("abort", cancel);
      if (call.deadline !== undefined) setDeadline(call.deadline);
      const answer = dispatch({
        service: method.service,
        method: method.name,
        request: method.requestStream
          ? requestStream()
          : carry(call.request, asked.request, method.request, limits.maxRequestBytes),
        metadata: new Headers(call.metadata),
        signal: controller.signal,
        peer: "memory",
        reply,
        type: method,
        ...(call.deadline === undefined ? {} : { deadline: call.deadline }),
      });
      if (method.responseStream) answer.then((late) => ended && discard(iteratorOf(late))).catch(() => {});
      const value = await unlessOver(answer);
      sendHeader();
      if (method.responseStream) {
        replies = iteratorOf(value);
        if (replies === undefined) throw new MicrorunError("internal", "internal error");
        return replyStream(replies);
      }
      const carried = carryReply(value);
      sendTrailer();
      finish();
      return carried;
    } catch (thrown) {
      sendTrailer();
      throw failed(thrown);
    }
  };

  const setDeadline = (deadline: number): void => {
    const ms = deadline - Date.now();
    const late = (): void => finish(new MicrorunError("deadline_exceeded", "deadline exceeded"));
    if (ms <= maxTimerMs) timer = setTimeout(late, Math.max(ms, 0));
  };

  return { endpoint, reply: run(), abort: finish, over: over.promise };
}

/** In the form it would have on a wire: protobuf where both sides have it, else JSON. */
function carry(value: unknown, from: MessageType, to: MessageType, maxBytes: number): unknown {
  const proto = from.encode !== undefined && to.decode !== undefined;
  const bytes = proto ? from.encode(value) : Buffer.from(JSON.stringify(from.toJson(value)));
  if (bytes.length > maxBytes)
    throw new MicrorunError(
      "resource_exhausted",
      `message of ${bytes.length} bytes: the limit is ${maxBytes}`,
    );
  return proto ? to.decode?.(bytes) : to.fromJson(JSON.parse(Buffer.from(bytes).toString()));
}

/** Hint and cause stay where the error was made. */
function asSent(thrown: unknown): MicrorunError {
  const { code, message, reason, details, violations, retryMs } = MicrorunError.from(thrown);
  return new MicrorunError(code, message, {
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details: { ...details } }),
    ...(violations === undefined ? {} : { violations }),
    ...(retryMs === undefined ? {} : { retryMs }),
  });
}

function copy(from: Headers, to: Headers | undefined): void {
  for (const [key, value] of from) to?.set(key, value);
}
