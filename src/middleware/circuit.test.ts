import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { type CircuitOptions, type CircuitState, createCircuit } from "./circuit.ts";
import { circuitBreaker } from "./circuit-breaker.ts";
import { callOf, refusal, standing } from "./middleware.contract.ts";

function tried(options: CircuitOptions = {}) {
  let time = 0;
  const states: CircuitState[] = [];
  const circuit = createCircuit({ minCalls: 4, ...options, now: () => time }, (state) => states.push(state));
  return {
    circuit,
    states,
    wait: (ms: number): void => {
      time += ms;
    },
    /** @returns how many passed */
    ask: (well: boolean | undefined, times = 1): number => {
      let passed = 0;
      for (let i = 0; i < times; i++) {
        const passage = circuit.pass();
        if (typeof passage === "number") continue;
        passed++;
        passage.end(well);
      }
      return passed;
    },
  };
}

test("a circuit opens when half of the window's calls failed, not before there were enough", () => {
  const { circuit, ask } = tried();
  ask(false, 3);
  expect(circuit.state).toBe("closed");
  ask(true, 4);
  expect(ask(false)).toBe(1);
  expect(circuit.state).toBe("open");
  expect(circuit.pass()).toBe(5000);
});

test("calls that are older than the window count no more, and cancelled ones never did", () => {
  const { circuit, ask, wait } = tried();
  ask(false, 3);
  wait(11_000);
  ask(false, 3);
  ask(undefined, 10);
  expect(circuit.state).toBe("closed");
  wait(5000);
  ask(false);
  expect(circuit.state).toBe("open");
});

test("an open circuit is tried by a few, who close it or open it again", () => {
  const { states, ask, wait } = tried({ probes: 2 });
  ask(false, 4);
  wait(5000);
  expect(ask(false, 5)).toBe(1);
  wait(5000);
  expect(ask(true, 2)).toBe(2);
  expect(ask(false, 3)).toBe(3);
  expect(states).toEqual(["open", "half-open", "open", "half-open", "closed"]);
});

test("those who try at once are bounded, and those who never end do not keep it shut", () => {
  const { circuit, ask, wait } = tried({ probes: 2 });
  ask(false, 4);
  wait(5000);
  expect([circuit.pass(), circuit.pass()].map((one) => typeof one)).toEqual(["object", "object"]);
  expect(typeof circuit.pass()).toBe("number");
  wait(5000);
  expect(ask(true, 2)).toBe(2);
  expect(circuit.state).toBe("closed");
});

test("a call of before says nothing of a circuit that has opened since", () => {
  const { circuit, ask, wait } = tried({ probes: 2 });
  const before = circuit.pass();
  ask(false, 4);
  wait(5000);
  expect(ask(true)).toBe(1);
  if (typeof before !== "number") before.end(false);
  expect(circuit.state).toBe("half-open");
  expect(ask(true)).toBe(1);
  expect(circuit.state).toBe("closed");
});

test("a breaker refuses at once, each method for itself, and leaves callers' faults alone", async () => {
  const { around, log } = standing();
  let asked = 0;
  const layer = circuitBreaker({ minCalls: 2 })(async (call) => {
    asked++;
    if (call.method === "Slow") return "slow";
    throw new MicrorunError(call.metadata.get("code") === "not_found" ? "not_found" : "internal", "boom");
  }, around);
  for (let i = 0; i < 5; i++) await layer(callOf({ metadata: { code: "not_found" } })).catch(() => {});
  for (let i = 0; i < 7; i++) await layer(callOf()).catch(() => {});
  expect(asked).toBe(10);
  const call = callOf();
  expect(await refusal(layer(call))).toBe("unavailable: Hello: its circuit is open");
  expect(call.reply?.header.get("retry-after")).toBe("5");
  const overGrpc = { ...callOf(), field: () => "application/grpc" };
  expect(await refusal(layer(overGrpc))).toBe("unavailable: Hello: its circuit is open");
  expect(overGrpc.reply?.header.has("retry-after")).toBe(false);
  expect(await layer(callOf({ method: "Slow" }))).toBe("slow");
  expect(log.records().map(({ message, fields }) => [message, fields.of])).toEqual([
    ["circuit open", "greeter.Greeter/Hello"],
  ]);
});
