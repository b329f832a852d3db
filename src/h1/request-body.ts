/** The body of a request, read as far as somebody reads it: what came ahead is bounded, then the socket waits. */
import { MicrorunError } from "../errors.ts";
import type { IncomingBody } from "../lazy-request.ts";
import { chunkReader } from "./chunk-reader.ts";
import { limits } from "./h1.ts";

export interface RequestBody extends IncomingBody {
  /** @returns where the body's part of `bytes` ends; -1: it is malformed */
  receive(bytes: Buffer): number;
  readonly done: boolean;
  /** Nobody reads it, and there may be more of it than is let pass. */
  readonly endless: boolean;
  /** The rest is not read by anybody; true while it may still come. */
  ignore(): boolean;
  /** The connection has closed, or what came is no body. */
  fail(error: MicrorunError): void;
}

export interface BodySocket {
  pause(): void;
  resume(): void;
  /** Somebody wants it: the client may wait to be told. */
  wanted(): void;
}

export const cutOff = (): MicrorunError => new MicrorunError("cancelled", "the caller cancelled the request");

/** A body that was there with its head. */
export function wholeBody(whole: Uint8Array): IncomingBody {
  return {
    whole,
    collect: async (maxBytes) => (whole.length > maxBytes ? undefined : whole),
    stream: () => new Blob([whole as Uint8Array<ArrayBuffer>]).stream(),
  };
}

/** @param length -1: in chunks */
export function requestBody(length: number, socket: BodySocket): RequestBody {
  const chunked = length < 0 ? chunkReader() : undefined;
  let left = length;
  let error: MicrorunError | undefined;
  let queue: Uint8Array[] = [];
  let queuedBytes = 0;
  let paused = false;
  /** Somebody waits for more, or has said that nobody will. */
  let more: (() => void) | undefined;
  let ignored = -1;
  let isRead = false;

  const isDone = (): boolean => (chunked === undefined ? left === 0 : chunked.done());
  const resume = (): void => {
    if (!paused) return;
    paused = false;
    socket.resume();
  };
  const take = (bytes: Buffer, start: number, end: number): void => {
    if (ignored >= 0) ignored += end - start;
    else {
      queue.push(Uint8Array.prototype.slice.call(bytes, start, end));
      queuedBytes += end - start;
    }
  };
  const wake = (): void => {
    const waiting = more;
    more = undefined;
    waiting?.();
  };
  /** What has come since the last time; empty: that was all. */
  const next = async (): Promise<Uint8Array[]> => {
    isRead = true;
    if (queue.length === 0 && !isDone() && error === undefined) {
      const { promise, resolve } = Promise.withResolvers<void>();
      more = resolve;
      socket.wanted();
      resume();
      await promise;
    }
    if (queue.length === 0 && error !== undefined) throw error;
    const taken = queue;
    queue = [];
    queuedBytes = 0;
    resume();
    return taken;
  };

  const ignore = (): boolean => {
    if (ignored < 0) ignored = 0;
    isRead = false;
    queue = [];
    queuedBytes = 0;
    resume();
    return !isDone() && error === undefined && ignored <= limits.ignoredBytes;
  };

  return {
    whole: undefined,
    get done() {
      return isDone();
    },
    get endless() {
      return !isRead && !isDone() && (chunked !== undefined || left > limits.ignoredBytes);
    },
    receive(bytes) {
      let end: number;
      if (chunked === undefined) {
        end = Math.min(bytes.length, left);
        take(bytes, 0, end);
        left -= end;
      } else end = chunked.read(bytes, 0, take);
      if (queue.length > 0 || isDone()) wake();
      // what follows it is the connection's to stop
      if (isDone()) resume();
      else if (queuedBytes > limits.aheadBytes && !paused) {
        paused = true;
        socket.pause();
      }
      return end;
    },
    ignore,
    fail(why) {
      if (isDone()) return;
      error ??= why;
      wake();
    },
    async collect(maxBytes) {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      for (;;) {
        const came = await next();
        if (came.length === 0 && isDone()) return Buffer.concat(chunks, bytes);
        for (const chunk of came) bytes += chunk.length;
        if (bytes > maxBytes) {
          isRead = false;
          return undefined;
        }
        chunks.push(...came);
      }
    },
    stream: () =>
      new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            const came = await next();
            for (const chunk of came) controller.enqueue(chunk);
            if (isDone() && queue.length === 0) controller.close();
          },
          cancel: () => void ignore(),
        },
        { highWaterMark: 0 },
      ),
  };
}
