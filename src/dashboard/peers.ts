/** What the dashboard asks of instances, each at its own address. */
import type { Dispatch, Method } from "../call.ts";
import type { CallOptions, Client } from "../client/client.ts";
import type { Instance } from "../registry/registry.ts";

export interface PeerOptions {
  readonly client: Client;
  /** Methods of the services that runtimes have: `debug.Debug`, `Stats`. */
  readonly builtin: (service: BuiltinName, method: string) => Method;
  /** All methods that a peer tells of by reflection. Undefined: it has none. @throws MicrorunError */
  readonly reflect: (
    dispatch: Dispatch,
    wanted: (service: string) => boolean,
    signal: AbortSignal,
  ) => Promise<readonly Method[] | undefined>;
}

export type BuiltinName = "grpc.health.v1.Health" | "debug.Debug" | "microrun.inspect.v1.Inspect";

export interface Question {
  readonly service: BuiltinName;
  readonly method: string;
  readonly request?: object;
}

/** A reply as JSON has it. */
// biome-ignore lint/suspicious/noExplicitAny: whoever asks knows the `.proto`
export type Reply = any;

export interface Peers {
  /** @throws MicrorunError */
  ask(instance: Instance, question: Question, signal?: AbortSignal): Promise<Reply>;
  /** @throws MicrorunError */
  follow(instance: Instance, question: Question, signal: AbortSignal): AsyncIterable<Reply>;
  /** @throws MicrorunError */
  reflect(instance: Instance): Promise<readonly Method[] | undefined>;
}

/** Those of runtimes themselves. */
export const ownServices: RegExp = /^(grpc\.(health|reflection)\.|microrun\.inspect\.|(?:[\w.]*\.)?Debug$)/;

/** How long an instance may take for an answer, in ms. */
const askMs = 2000;

export function createPeers({ client, builtin, reflect }: PeerOptions): Peers {
  const how = (instance: Instance, question: Question): CallOptions => ({
    address: grpcAddress(instance),
    type: builtin(question.service, question.method),
  });
  return {
    ask: (instance, question, signal) =>
      client.call(instance.service, path(question), question.request ?? {}, {
        ...how(instance, question),
        timeoutMs: askMs,
        ...(signal === undefined ? {} : { signal }),
      }),
    follow: (instance, question, signal) =>
      client.stream(instance.service, path(question), question.request ?? {}, {
        ...how(instance, question),
        signal,
      }),
    reflect(instance) {
      const until = Date.now() + askMs;
      const dispatch: Dispatch = async ({ request, type, signal }) => {
        // a client tells JSON, a dispatch the handler's values
        const { decodeJson: _, ...response } = type!.response;
        const plain: Method = { ...type!, response: { ...response, toJson: (value) => value } };
        const timeoutMs = Math.max(1, until - Date.now());
        const options = { address: grpcAddress(instance), type: plain, signal, timeoutMs };
        return client.stream(instance.service, `${plain.service}.${plain.name}`, request, options);
      };
      return reflect(dispatch, (service) => !ownServices.test(service), new AbortController().signal);
    },
  };
}

/** Where an instance speaks gRPC. */
export function grpcAddress({ address, protocols }: Instance): string {
  return protocols?.grpc ?? address;
}

function path({ service, method }: Question): string {
  return `${service}.${method}`;
}
