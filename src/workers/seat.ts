/** A worker's side, over the channel that its parent has opened to it. */
import { MicrorunError } from "../errors.ts";
import { aborted } from "../wait.ts";
import { type Counts, type Launch, type Order, type Report, reportMs, type Seat } from "./workers.ts";

/** How a process learns that it is a worker. */
export const launchVariable = "MICRORUN_WORKER";

/** What a worker's process has of its parent: Node's names. */
export interface Channel {
  readonly env: Record<string, string | undefined>;
  send?: ((report: Report) => unknown) | undefined;
  on(event: "message" | "disconnect", listener: (order: Order) => void): unknown;
}

/** Asked before `takeSeat`. */
export function isWorker({ env, send }: Pick<Channel, "env" | "send">): boolean {
  return env[launchVariable] !== undefined && send !== undefined;
}

/** Undefined: this process is no worker. */
export function takeSeat(channel: Channel): Seat | undefined {
  const text = channel.env[launchVariable];
  // what the module starts itself is no worker
  delete channel.env[launchVariable];
  if (text === undefined || channel.send === undefined) return undefined;
  const launch = JSON.parse(text) as Launch;

  const stop = new AbortController();
  const serve = Promise.withResolvers<void>();
  const close = Promise.withResolvers<void>();
  let others: Counts = { requests: 0, errors: 0 };
  if (launch.serving) serve.resolve();

  const obey = (order: Order): void => {
    if (order.kind === "serve") serve.resolve();
    if (order.kind === "counts") others = order.counts;
    if (order.kind === "stop") stop.abort(new MicrorunError("unavailable", order.reason));
    if (order.kind === "close") close.resolve();
  };
  channel.on("message", obey);
  channel.on("disconnect", () => {
    obey({ kind: "stop", reason: "the parent process has ended" });
    obey({ kind: "close" });
  });
  const report = (report: Report): void => {
    // its end is told by "disconnect"
    if (!stop.signal.aborted) channel.send?.(report);
  };

  return {
    launch,
    stop: stop.signal,
    async started(started) {
      report({ kind: "started", started });
      await Promise.race([serve.promise, aborted(stop.signal)]);
    },
    async left() {
      if (stop.signal.aborted) await close.promise;
    },
    sum(own) {
      const tell = (): void =>
        report({ kind: "counts", counts: { requests: own.requests, errors: own.errors } });
      setInterval(tell, reportMs).unref();
      return {
        started: launch.since,
        get requests() {
          return own.requests + others.requests;
        },
        get errors() {
          return own.errors + others.errors;
        },
      };
    },
  };
}
