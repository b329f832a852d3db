import { expect, test } from "bun:test";
import { type Channel, launchVariable, takeSeat } from "./seat.ts";
import type { Launch, Order, Report } from "./workers.ts";

const launch: Launch = { worker: 2, of: 3, nodeId: "n", since: 7, serving: false };
const started = { addresses: { grpc: "127.0.0.1:1", http: "127.0.0.1:1" }, announcement: undefined };

function channel(told: Launch = launch) {
  const listeners = new Map<string, (order: Order) => void>();
  const reports: Report[] = [];
  const ends: Channel = {
    env: { [launchVariable]: JSON.stringify(told) },
    send: (report) => reports.push(report),
    on: (event, listener) => listeners.set(event, listener),
  };
  return {
    ends,
    reports,
    order: (order: Order) => listeners.get("message")?.(order),
    disconnect: () => listeners.get("disconnect")?.({ kind: "close" }),
  };
}

const settled = (work: Promise<unknown>): Promise<boolean> =>
  Promise.race([work.then(() => true), new Promise<boolean>((done) => setImmediate(done, false))]);

test("a process without a parent's word or channel is no worker, and hands nothing on", () => {
  const { ends } = channel();
  const silent = { ...ends, env: { ...ends.env }, send: undefined };
  expect(takeSeat(silent)).toBeUndefined();
  expect(silent.env[launchVariable]).toBeUndefined();
  expect(takeSeat({ ...ends, env: {} })).toBeUndefined();
  expect(takeSeat(ends)?.launch).toEqual(launch);
  expect(ends.env[launchVariable]).toBeUndefined();
});

test("a worker that has started waits until all have", async () => {
  const { ends, reports, order } = channel();
  const begun = takeSeat(ends)!.started(started);
  expect(reports).toEqual([{ kind: "started", started }]);
  expect(await settled(begun)).toBe(false);
  order({ kind: "serve" });
  expect(await settled(begun)).toBe(true);
});

test("a replacement does not wait", async () => {
  const { ends } = channel({ ...launch, serving: true });
  expect(await settled(takeSeat(ends)!.started(started))).toBe(true);
});

test("told to stop, a worker stays until it is told that nobody is sent to it", async () => {
  const { ends, order } = channel();
  const seat = takeSeat(ends)!;
  order({ kind: "stop", reason: "SIGTERM" });
  expect(String(seat.stop.reason)).toContain("SIGTERM");
  const left = seat.left();
  expect(await settled(left)).toBe(false);
  order({ kind: "close" });
  expect(await settled(left)).toBe(true);
});

test("a worker that stops by itself leaves at once", async () => {
  expect(await settled(takeSeat(channel().ends)!.left())).toBe(true);
});

test("the end of the parent ends a worker", async () => {
  const { ends, disconnect } = channel();
  const seat = takeSeat(ends)!;
  disconnect();
  expect(seat.stop.aborted).toBe(true);
  expect(await settled(seat.left())).toBe(true);
});

test("a worker's calls are told with those of the others", () => {
  const { ends, order } = channel();
  const own = { requests: 3, errors: 1 };
  const sum = takeSeat(ends)!.sum(own);
  order({ kind: "counts", counts: { requests: 10, errors: 2 } });
  own.requests = 4;
  expect([sum.started, sum.requests, sum.errors]).toEqual([7, 14, 3]);
});
