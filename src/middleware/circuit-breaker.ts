/** `circuitBreaker`: what keeps failing is not asked for a while. */
import type { Call } from "../call.ts";
import { type Code, codes, MicrorunError } from "../errors.ts";
import { keyBy } from "./call-key.ts";
import { type Circuit, createCircuit } from "./circuit.ts";
import { codeOf, untilEnd } from "./ending.ts";
import { live } from "./live.ts";
import type { By, Layer, Live } from "./middleware.ts";
import { type Kinds, kinds } from "./option-kinds.ts";
import { refusalFields } from "./refusal.ts";

export interface CircuitBreakerOptions {
  /** What has a circuit of its own. @default "method": of calls out, of each service called */
  readonly by?: By;
  /** How far back calls count, in ms. @default 10000 */
  readonly windowMs?: number;
  /** Fewer calls in the window than these never open it. @default 20 */
  readonly minCalls?: number;
  /** It opens when so many of the window's calls failed, of 1. @default 0.5 */
  readonly failureRate?: number;
  /** How long it stays open, in ms. @default 5000 */
  readonly openMs?: number;
  /** So many calls try it then, and close it if all go well. @default 3 */
  readonly probes?: number;
  /** Ends that count as failures. @default unavailable, deadline_exceeded, internal, unknown, data_loss */
  readonly failures?: readonly Code[];
  /** Circuits that are remembered; above it the longest unused is forgotten. @default 1000 */
  readonly maxKeys?: number;
}

const table: Kinds<CircuitBreakerOptions> = {
  by: kinds.textOrCallback,
  windowMs: kinds.period,
  minCalls: kinds.count,
  failureRate: kinds.rate,
  openMs: kinds.period,
  probes: kinds.count,
  failures: {
    wanted: `a list of ${Object.keys(codes).join(", ")}`,
    holds: (value) => Array.isArray(value) && value.every((code) => Object.hasOwn(codes, code)),
  },
  maxKeys: kinds.count,
};

const defaultFailures: readonly Code[] = [
  "unavailable",
  "deadline_exceeded",
  "internal",
  "unknown",
  "data_loss",
];
const defaultMaxKeys = 1000;

/** While a circuit is open its calls are answered `unavailable` at once, and told when it is tried again (`Retry-After`, google.rpc.RetryInfo). */
export function circuitBreaker(options: Live<CircuitBreakerOptions> = {}): Layer {
  const held = live("circuitBreaker", table, options, (given, around) => {
    const { by = "method", failures = defaultFailures, maxKeys = defaultMaxKeys, ...rules } = given;
    const { ofCall } = keyBy(by);
    const circuits = new Map<string, Circuit>();
    const told = (key: string, state: string): void => {
      around?.log[state === "open" ? "warn" : "info"](`circuit ${state}`, { of: key.trim() });
    };
    return {
      failures: new Set<Code | "ok">(failures),
      circuit(call: Call): Circuit {
        const key = ofCall(call);
        let circuit = circuits.get(key);
        if (circuit === undefined) {
          const [oldest] = circuits.size >= maxKeys ? circuits.keys() : [];
          if (oldest !== undefined) circuits.delete(oldest);
          circuit = createCircuit(rules, (state) => told(key, state));
        } else if (circuits.size >= maxKeys) circuits.delete(key);
        circuits.set(key, circuit);
        return circuit;
      },
    };
  });
  return (next, around) => {
    held(around);
    return (call) => {
      const { circuit, failures } = held(around);
      const passed = circuit(call).pass();
      if (typeof passed === "number") return Promise.reject(refuse(call, passed));
      return untilEnd(next, call, (error) => {
        const code = codeOf(error);
        passed.end(code === "cancelled" ? undefined : !failures.has(code));
      });
    };
  };
}

function refuse(call: Call, retryMs: number): MicrorunError {
  const error = new MicrorunError("unavailable", `${call.target ?? call.method}: its circuit is open`, {
    reason: "CIRCUIT_OPEN",
    retryMs,
  });
  // gRPC has the details for it, and its clients retry only what is answered by trailers alone
  if (call.field?.("content-type") === undefined)
    for (const [name, value] of Object.entries(refusalFields(error))) call.reply?.header.set(name, value);
  return error;
}
