/** What the transport's contract is tried on: a small service, made by hand, and the means to call it. */
import { expect } from "bun:test";
import { type Call, type Dispatch, jsonMessage, type Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { parseSchema } from "../grpc/schema/schema.ts";
import { silentLog } from "../log.ts";
import { composeService } from "../service/compose.ts";
import type { Endpoint, Service } from "../service/service.ts";
import type { Connection, ConnectOptions, ListenOptions, Server, Transport } from "./transport.ts";

export interface Setup {
  readonly transport: Transport;
  /** Free at each call. */
  readonly address: () => string;
  readonly listen?: Partial<ListenOptions>;
  readonly connect?: ConnectOptions;
  /** Messages that wait to be read are lost when their call fails: grpc-js has it so. @default false */
  readonly dropsUnread?: boolean;
}

export type Answer = (request: never, call: Call) => unknown;
export type Message = { text: string; data?: Uint8Array };
export type Messages = AsyncIterable<Message>;

const schema = parseSchema(
  "contract.proto",
  `syntax = "proto3";
  package contract;
  message Message { string text = 1; bytes data = 2; }
  service Kinds {
    rpc Unary(Message) returns (Message);
    rpc Down(Message) returns (stream Message);
    rpc Up(stream Message) returns (Message);
    rpc Both(stream Message) returns (stream Message);
  }
  service Own { rpc Watch(Message) returns (stream Message); }`,
);

const plain: Method = {
  service: "Plain",
  name: "Echo",
  requestStream: false,
  responseStream: false,
  idempotent: false,
  request: jsonMessage,
  response: jsonMessage,
};
const methods: readonly Method[] = [...schema.services.values()].flat().concat(plain);
const endpoints = methods.map(
  (method): Endpoint => ({ method, handler: undefined, internal: method.service === "contract.Own" }),
);
const identity = { name: "contract", version: "1", id: "contract-1", metadata: {} };
export const service: Service = composeService(identity, [{ endpoints, schemas: [schema] }]);

/** How long stopping an idle server may take: one that leaked a call takes its whole drain timeout, 10 s. */
export const promptMs = 3000;

/** A server and a connection to it. Its end fails the test if a call was leaked. */
export interface Peer extends AsyncDisposable {
  readonly server: Server;
  readonly connection: Connection;
  call(name: string, request: unknown, options?: Partial<Call>): Promise<unknown>;
}

export type Open = (answers: Record<string, Answer>, options?: Partial<ListenOptions>) => Promise<Peer>;

export function opener(setup: Setup): Open {
  return async (answers: Record<string, Answer>, options: Partial<ListenOptions> = {}) => {
    const dispatch: Dispatch = async (call) => answers[call.method]?.(call.request as never, call);
    const listenOptions = { address: setup.address(), log: silentLog, ...setup.listen, ...options };
    const server = await setup.transport.listen(service, dispatch, listenOptions);
    const connection = setup.transport.connect(server.address, setup.connect);
    return {
      server,
      connection,
      call: caller(connection),
      async [Symbol.asyncDispose]() {
        const began = performance.now();
        await server[Symbol.asyncDispose]();
        await connection[Symbol.asyncDispose]();
        expect(performance.now() - began).toBeLessThan(promptMs);
      },
    };
  };
}

export function outgoing(call: Pick<Call, "service" | "method" | "request"> & Partial<Call>): Call {
  return { metadata: new Headers(), signal: new AbortController().signal, ...call };
}

export function caller(connection: Connection): Peer["call"] {
  return async (name, request, options = {}) => {
    const type = methods.find((method) => method.name === name)!;
    return connection.dispatch(outgoing({ service: type.service, method: name, request, type, ...options }));
  };
}

export async function* count(n: number, text = "n"): AsyncGenerator<Message> {
  for (let i = 0; i < n; i++) yield { text: `${text}${i}` };
}

/** A first message, and then none: the stream stays open. */
export async function* forever(): AsyncGenerator<Message> {
  yield { text: "" };
  await new Promise(() => {});
}

export async function texts(messages: unknown): Promise<string[]> {
  const seen: string[] = [];
  const from = await messages;
  if (typeof from !== "object" || from === null || !(Symbol.asyncIterator in from)) return seen;
  for await (const { text } of from as Messages) seen.push(text);
  return seen;
}

export async function failure(work: Promise<unknown>): Promise<MicrorunError> {
  try {
    await work;
  } catch (error) {
    expect(error).toBeInstanceOf(MicrorunError);
    return error as MicrorunError;
  }
  throw new Error("it did not fail");
}

export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}

/** Waits until a number no longer grows. */
export async function settled(value: () => number): Promise<void> {
  for (let last = -1; last !== value(); ) {
    last = value();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
