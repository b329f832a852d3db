import { afterEach, expect, mock, spyOn, test } from "bun:test";
import { silentLog } from "../log.ts";
import { takeSignals } from "./signals.ts";

afterEach(() => {
  mock.restore();
});

test("a second signal exits at once, an echo of the first does not", () => {
  const exit = spyOn(process, "exit").mockImplementation((() => {}) as never);
  const now = spyOn(performance, "now").mockReturnValue(1000);
  using signals = takeSignals(silentLog);
  process.emit("SIGTERM");
  expect(signals.stop.aborted).toBe(true);
  now.mockReturnValue(1010);
  process.emit("SIGTERM");
  expect(exit).not.toHaveBeenCalled();
  now.mockReturnValue(1200);
  process.emit("SIGTERM");
  expect(exit.mock.calls).toEqual([[143]]);
});

test("signals mean nothing to a process that is told by its parent", () => {
  const exit = spyOn(process, "exit").mockImplementation((() => {}) as never);
  const parent = new AbortController();
  using signals = takeSignals(silentLog, parent.signal);
  process.emit("SIGINT");
  expect(signals.stop.aborted).toBe(false);
  parent.abort();
  expect(signals.stop.aborted).toBe(true);
  process.emit("SIGINT");
  expect(exit).not.toHaveBeenCalled();
});
