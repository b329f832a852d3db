/** One request and its answer: asks `fetch`, sends what it says, and tells it when the client leaves. */
import { type IncomingBody, lazyRequest, type RequestSource } from "../lazy-request.ts";
import type { Upgrade, UpgradeOptions } from "../web-socket.ts";
import { type Answering, sendHead, sendResponse } from "./answer.ts";
import type { Head, WebOptions } from "./h1.ts";
import type { Output } from "./output.ts";
import { cutOff } from "./request-body.ts";
import type { Framing, ResponseHead } from "./response-head.ts";

export interface Exchange {
  /** Its connection serves no other request. Known once the head has been written. */
  readonly last: boolean;
  /** Its head has been written. */
  readonly started: boolean;
  /** The client has left. */
  leave(): void;
}

/** What the exchanges of a connection share. */
export interface Exchanging extends Pick<WebOptions, "fetch" | "log"> {
  readonly peer: string | undefined;
  readonly stop: AbortSignal;
  readonly output: Output;
  /** Makes the connection a WebSocket. */
  readonly upgrade: (head: Head, options: UpgradeOptions | undefined) => boolean;
  /** Told with the answer: it is the connection's last. */
  readonly leaving: () => boolean;
  readonly date: () => string;
  /** The answer was written. */
  readonly ended: () => void;
  /** It cannot be: the client must not take for whole what it got. */
  readonly broken: () => void;
}

export function startExchange(head: Head, body: IncomingBody | undefined, around: Exchanging): Exchange {
  const exchange = new HttpExchange(head, body, around);
  void exchange.answer();
  return exchange;
}

/** A class, as every request is one. */
class HttpExchange implements Exchange, Answering, RequestSource {
  readonly body: IncomingBody | undefined;
  readonly output: Output;
  last = false;
  gone = false;
  started = false;
  onGone: (() => void) | undefined = undefined;
  readonly #head: Head;
  readonly #around: Exchanging;
  #upgraded = false;
  #controller: AbortController | undefined = undefined;

  constructor(head: Head, body: IncomingBody | undefined, around: Exchanging) {
    this.#head = head;
    this.#around = around;
    this.body = body;
    this.output = around.output;
  }

  get method(): string {
    return this.#head.method;
  }
  get url(): string {
    return this.#head.url;
  }
  get headers(): Headers {
    return this.#head.headers;
  }
  get isHead(): boolean {
    return this.#head.method === "HEAD";
  }
  get old(): boolean {
    return this.#head.old;
  }

  signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.gone) this.#controller.abort(cutOff());
    }
    return this.#controller.signal;
  }

  connection(framing: Framing, asked: string | null): Pick<ResponseHead, "connection" | "date"> {
    const { keepAlive, old } = this.#head;
    const { leaving, date } = this.#around;
    this.last =
      !keepAlive || framing === "close" || leaving() || (asked !== null && /\bclose\b/i.test(asked));
    return { connection: this.last ? "close" : old ? "keep-alive" : undefined, date: date() };
  }

  async answer(): Promise<void> {
    const { fetch, peer, stop, ended } = this.#around;
    const upgrade: Upgrade | undefined = this.#head.upgrades
      ? (options) => this.#upgrade(options)
      : undefined;
    try {
      const response = await fetch(lazyRequest(this), peer, stop, upgrade);
      if (this.#upgraded) return;
      if (this.gone) {
        await response.body?.cancel();
        return;
      }
      const sending = sendResponse(response, this);
      if (sending !== undefined) await sending;
      if (!this.gone) ended();
    } catch (error) {
      this.#fail(error);
    }
  }

  leave(): void {
    this.gone = true;
    this.onGone?.();
    this.#controller?.abort(cutOff());
  }

  #upgrade(options: UpgradeOptions | undefined): boolean {
    if (this.gone || this.#upgraded || this.started) return false;
    this.#upgraded = this.#around.upgrade(this.#head, options);
    return this.#upgraded;
  }

  #fail(error: unknown): void {
    if (this.gone || this.#upgraded) return;
    this.#around.log.error(`${this.method} ${this.url}: its response failed`, { error });
    if (this.started) {
      this.#around.broken();
      return;
    }
    const text = Buffer.from("internal error\n");
    const fields = ["content-type", "text/plain; charset=utf-8"];
    sendHead(this, { status: 500, fields, framing: { length: text.length } }, null);
    if (!this.isHead) this.output.write(text);
    this.#around.ended();
  }
}
