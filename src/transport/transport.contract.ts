/** What every transport does, as tests: run against each implementation, on each kind of address. */
import { describe, expect, test } from "bun:test";
import { type Call, type Dispatch, jsonMessage, type Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { parseSchema } from "../grpc/schema.ts";
import { silentLog } from "../log.ts";
import { composeService } from "../service/compose.ts";
import type { Endpoint } from "../service/service.ts";
import type { Connection, ConnectOptions, ListenOptions, Server, Transport } from "./transport.ts";

export interface Setup {
  readonly transport: Transport;
  /** Free at each call. */
  readonly address: () => string;
  readonly listen?: Partial<ListenOptions>;
  readonly connect?: ConnectOptions;
}

type Answer = (request: never, call: Call) => unknown;
type Message = { text: string; data?: Uint8Array };
type Messages = AsyncIterable<Message>;

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
const methods = [...schema.services.values()].flat().concat(plain);
const endpoints = methods.map(
  (method): Endpoint => ({ method, handler: undefined, internal: method.service === "contract.Own" }),
);
const identity = { name: "contract", version: "1", id: "contract-1", metadata: {} };
const service = composeService(identity, [{ endpoints, schemas: [schema] }]);

/** How long stopping an idle server may take: one that leaked a call takes its whole drain timeout, 10 s. */
const promptMs = 3000;

export function transportContract(name: string, setup: Setup): void {
  describe(name, () => {
    const open = async (answers: Record<string, Answer>, options: Partial<ListenOptions> = {}) => {
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

    test("a unary call brings its message and its reply", async () => {
      await using peer = await open({
        Unary: ({ text, data }: Message) => ({ text: `${text}!`, data: data?.toReversed() }),
      });
      const reply = (await peer.call("Unary", { text: "hé", data: new Uint8Array([1, 2]) })) as Message;
      expect(reply.text).toBe("hé!");
      expect([...(reply.data ?? [])]).toEqual([2, 1]);
    });

    test("a server streams its replies", async () => {
      await using peer = await open({ Down: ({ text }: Message) => count(3, text) });
      expect(await texts(peer.call("Down", { text: "n" }))).toEqual(["n0", "n1", "n2"]);
    });

    test("a client streams its requests", async () => {
      await using peer = await open({
        Up: async (requests: Messages) => ({ text: (await texts(requests)).join("") }),
      });
      expect(await peer.call("Up", count(3, "n"))).toMatchObject({ text: "n0n1n2" });
    });

    test("both stream, answering one another", async () => {
      await using peer = await open({
        Both: async function* (requests: Messages) {
          for await (const { text } of requests) yield { text: `re ${text}` };
        },
      });
      const sent = new TransformStream<Message, Message>();
      const writer = sent.writable.getWriter();
      const replies = ((await peer.call("Both", sent.readable)) as Messages)[Symbol.asyncIterator]();
      for (const text of ["a", "b"]) {
        void writer.write({ text });
        expect((await replies.next()).value).toMatchObject({ text: `re ${text}` });
      }
      void writer.close();
      expect((await replies.next()).done).toBe(true);
    });

    test("empty streams end", async () => {
      await using peer = await open({
        Down: () => [],
        Up: async (requests: Messages) => ({ text: `${(await texts(requests)).length}` }),
      });
      expect(await texts(peer.call("Down", { text: "" }))).toEqual([]);
      expect(await peer.call("Up", count(0))).toMatchObject({ text: "0" });
    });

    test("a method without a schema is called in JSON, and one with a schema may be", async () => {
      await using peer = await open({
        Echo: (request: unknown) => ({ got: request }),
        Unary: ({ text }: Message) => ({ text: `${text}!` }),
      });
      const ask = (service: string, method: string, request: unknown) =>
        peer.connection.dispatch(outgoing({ service, method, request }));
      expect(await ask("Plain", "Echo", { a: [1, null, { b: "ü" }] })).toEqual({
        got: { a: [1, null, { b: "ü" }] },
      });
      expect(await ask("contract.Kinds", "Unary", { text: "x" })).toEqual({ text: "x!" });
    });

    test("a service is found by the text after its last dot", async () => {
      await using peer = await open({
        Unary: ({ text }: Message, call) => ({ text: `${call.service} ${text}` }),
      });
      for (const service of ["other.Kinds", "Kinds", ".Kinds"])
        expect(await peer.call("Unary", { text: "x" }, { service })).toMatchObject({
          text: "contract.Kinds x",
        });
    });

    test("metadata travels both ways, binary too", async () => {
      let seen: Headers | undefined;
      await using peer = await open({
        Unary: (_, call) => {
          seen = call.metadata;
          call.reply?.header.set("x-head", "first");
          call.reply?.trailer.set("x-tail", "last");
          call.reply?.trailer.set("sum-bin", "AQID");
          return { text: "" };
        },
      });
      const reply = { header: new Headers(), trailer: new Headers() };
      const metadata = new Headers({ "X-Foo": "Bar", "trace-bin": "AP8=", "content-type": "text/plain" });
      metadata.append("x-many", "1");
      metadata.append("x-many", "2");
      await peer.call("Unary", { text: "" }, { metadata, reply });
      expect(seen?.get("x-foo")).toBe("Bar");
      expect(seen?.get("x-many")).toBe("1, 2");
      expect(Buffer.from(seen?.get("trace-bin") ?? "", "base64")).toEqual(Buffer.from([0, 255]));
      expect(reply.header.get("x-head")).toBe("first");
      expect(reply.trailer.get("x-tail")).toBe("last");
      expect(Buffer.from(reply.trailer.get("sum-bin") ?? "", "base64")).toEqual(Buffer.from([1, 2, 3]));
    });

    test("a handler knows its caller and its deadline", async () => {
      let seen: Call | undefined;
      await using peer = await open({
        Unary: (_, call) => {
          seen = call;
          return { text: "" };
        },
      });
      const deadline = Date.now() + 5000;
      await peer.call("Unary", { text: "" }, { deadline });
      expect(seen?.deadline).toBeWithin(deadline - 500, deadline + 500);
      expect(seen?.type?.name).toBe("Unary");
      await peer.call("Unary", { text: "" });
      expect(seen?.deadline).toBeUndefined();
    });

    test("an error brings its code, text, reason and details", async () => {
      await using peer = await open({
        Unary: () => {
          throw new MicrorunError("aborted", 'no "50%" of #7, é\n', {
            reason: "TOO_LATE",
            details: { user: "7" },
            hint: "x",
          });
        },
        Up: () => Promise.reject(new MicrorunError("not_found", "no user 7")),
      });
      expect(await failure(peer.call("Unary", { text: "" }))).toMatchObject({
        code: "aborted",
        message: 'no "50%" of #7, é\n',
        reason: "TOO_LATE",
        details: { user: "7" },
        hint: undefined,
      });
      const error = await failure(peer.call("Up", count(2)));
      expect([error.code, error.message, error.reason]).toEqual(["not_found", "no user 7", undefined]);
    });

    test("an error ends a stream after what was sent before it", async () => {
      await using peer = await open({
        Down: async function* () {
          yield { text: "a" };
          throw new MicrorunError("data_loss", "no more");
        },
      });
      const seen: string[] = [];
      const read = async () => {
        for await (const { text } of (await peer.call("Down", { text: "" })) as Messages) seen.push(text);
      };
      expect(await failure(read())).toMatchObject({ code: "data_loss", message: "no more" });
      expect(seen).toEqual(["a"]);
    });

    test("what is thrown and is no error of ours is internal, its text kept back", async () => {
      for (const thrown of [new Error("secret"), "secret", undefined, null, 7]) {
        await using peer = await open({
          Unary: () => Promise.reject(thrown),
          Down: async function* () {
            yield await Promise.reject(thrown);
          },
        });
        for (const method of ["Unary", "Down"] as const) {
          const error = await failure(texts(peer.call(method, { text: "" })));
          expect([error.code, error.message]).toEqual(["internal", "internal error"]);
        }
      }
    });

    test("a reply that does not fit its type is internal", async () => {
      await using peer = await open({ Unary: () => ({ text: { not: "text" } }), Down: () => [{ text: 7n }] });
      expect(await failure(peer.call("Unary", { text: "" }))).toMatchObject({ code: "internal" });
      expect(await failure(texts(peer.call("Down", { text: "" })))).toMatchObject({ code: "internal" });
    });

    test("a request that does not fit its type is refused by its caller", async () => {
      await using peer = await open({ Unary: () => ({ text: "" }) });
      expect(await failure(peer.call("Unary", { text: { not: "text" } }))).toMatchObject({
        code: "invalid_argument",
      });
    });

    test("an unknown service or method is unimplemented", async () => {
      await using peer = await open({});
      const ask = (service: string, method: string) =>
        failure(peer.connection.dispatch(outgoing({ service, method, request: {} })));
      expect(await ask("Nope", "Unary")).toMatchObject({
        code: "unimplemented",
        message: "unknown service Nope",
      });
      expect(await ask("contract.Kinds", "Nope")).toMatchObject({
        code: "unimplemented",
        message: "unknown method Nope for service contract.Kinds",
      });
    });

    test("a peer that cannot be reached is unavailable, by its address", async () => {
      const { server, connection } = await open({});
      await server[Symbol.asyncDispose]();
      await connection[Symbol.asyncDispose]();
      await using later = setup.transport.connect(server.address, setup.connect);
      const error = await failure(caller(later)("Unary", { text: "" }));
      expect(error.code).toBe("unavailable");
      expect(error.message).toStartWith(`${server.address}: `);
    });

    test("an address in use is already_exists, and says so", async () => {
      await using peer = await open({});
      const again = setup.transport.listen(service, async () => ({}), {
        log: silentLog,
        ...setup.listen,
        address: peer.server.address,
      });
      expect(await failure(again)).toMatchObject({
        code: "already_exists",
        message: `cannot listen on ${peer.server.address}: the address is in use`,
      });
    });

    test("many calls at once do not mix", async () => {
      await using peer = await open({
        Unary: async ({ text }: Message) => {
          await new Promise((resolve) => setTimeout(resolve, Number(text) % 5));
          return { text: `re ${text}` };
        },
      });
      const asked = Array.from({ length: 500 }, (_, i) => `${i}`);
      const replies = await Promise.all(asked.map((text) => peer.call("Unary", { text })));
      expect(replies.map((reply) => (reply as Message).text)).toEqual(asked.map((text) => `re ${text}`));
    });

    test("large messages arrive whole, too large ones are refused on either side", async () => {
      await using peer = await open({
        Unary: ({ text }: Message) => ({ text: text === "more" ? "x".repeat(5e6) : text }),
      });
      const large = "é".repeat(2e6);
      expect(((await peer.call("Unary", { text: large })) as Message).text === large).toBe(true);
      for (const text of ["x".repeat(5e6), "more"])
        expect(await failure(peer.call("Unary", { text }))).toMatchObject({ code: "resource_exhausted" });
      await using small = await open({ Unary: () => ({ text: "" }) }, { maxMessageBytes: 100 });
      expect(await failure(small.call("Unary", { text: "x".repeat(101) }))).toMatchObject({
        code: "resource_exhausted",
      });
    });

    test("a slow reader holds back the handler", async () => {
      let made = 0;
      await using peer = await open({
        Down: async function* () {
          for (; made < 1000; made++) yield { text: "x".repeat(100_000) };
        },
      });
      const replies = ((await peer.call("Down", { text: "" })) as Messages)[Symbol.asyncIterator]();
      await replies.next();
      await settled(() => made);
      expect(made).toBeLessThan(300);
      await replies.return?.();
    });

    test("a slow handler holds back the sender", async () => {
      let made = 0;
      await using peer = await open({
        Up: async (requests: Messages, call) => {
          await requests[Symbol.asyncIterator]().next();
          await aborted(call.signal);
        },
      });
      async function* requests() {
        for (; made < 1000; made++) yield { text: "x".repeat(100_000) };
      }
      const cancel = new AbortController();
      const reply = peer.call("Up", requests(), { signal: cancel.signal });
      reply.catch(() => {});
      await settled(() => made);
      expect(made).toBeLessThan(300);
      cancel.abort();
      await failure(reply);
    });
    lateCalls(open);
    stops(open);
  });
}

type Open = (
  answers: Record<string, Answer>,
  options?: Partial<ListenOptions>,
) => Promise<AsyncDisposable & { server: Server; connection: Connection; call: ReturnType<typeof caller> }>;

/** Calls that end before their handler does. */
function lateCalls(open: Open): void {
  test("a deadline answers for a handler that never settles, and tells it", async () => {
    const told = Promise.withResolvers<unknown>();
    await using peer = await open({
      Unary: (_, { signal }) => {
        signal.addEventListener("abort", () => told.resolve(signal.reason));
        return new Promise(() => {});
      },
    });
    const error = await failure(peer.call("Unary", { text: "" }, { deadline: Date.now() + 50 }));
    expect(error.code).toBe("deadline_exceeded");
    // the caller's own clock may be the first to cancel
    expect(["deadline_exceeded", "cancelled"]).toContain(((await told.promise) as MicrorunError).code);
  });

  test("a deadline that is over ends a call of any kind", async () => {
    await using peer = await open({
      Unary: () => new Promise(() => {}),
      Down: () => ({ [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) }),
      Up: (requests: Messages) => texts(requests),
      Both: () => new Promise(() => {}),
    });
    const asked = { Unary: { text: "" }, Down: { text: "" }, Up: forever(), Both: forever() };
    for (const [method, request] of Object.entries(asked)) {
      const error = await failure(texts(peer.call(method, request, { deadline: Date.now() + 30 })));
      expect([method, error.code]).toEqual([method, "deadline_exceeded"]);
    }
  });

  test("a cancelled call ends at once for the caller, and its handler is told", async () => {
    const begun = Promise.withResolvers<void>();
    const told = Promise.withResolvers<unknown>();
    await using peer = await open({
      Unary: (_, { signal }) => {
        signal.addEventListener("abort", () => told.resolve(signal.reason));
        begun.resolve();
        return new Promise(() => {});
      },
    });
    const cancel = new AbortController();
    const reply = peer.call("Unary", { text: "" }, { signal: cancel.signal });
    reply.catch(() => {});
    await begun.promise;
    cancel.abort(new MicrorunError("cancelled", "no longer wanted"));
    expect(await failure(reply)).toMatchObject({ code: "cancelled", message: "no longer wanted" });
    expect(((await told.promise) as MicrorunError).code).toBe("cancelled");
  });

  test("a signal that is aborted already ends the call before it begins", async () => {
    await using peer = await open({ Unary: () => ({ text: "" }) });
    const error = await failure(peer.call("Unary", { text: "" }, { signal: AbortSignal.abort() }));
    expect(error.code).toBe("cancelled");
  });

  test("a handler's stream is closed when its reader leaves", async () => {
    const closed = Promise.withResolvers<void>();
    await using peer = await open({
      Down: async function* () {
        try {
          for (;;) {
            yield { text: "x" };
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
        } finally {
          closed.resolve();
        }
      },
    });
    for await (const _ of (await peer.call("Down", { text: "" })) as Messages) break;
    await closed.promise;
  });

  test("a handler's request stream fails when the call is cancelled", async () => {
    const seen = Promise.withResolvers<unknown>();
    const begun = Promise.withResolvers<void>();
    await using peer = await open({
      Up: async (requests: Messages) => {
        try {
          for await (const _ of requests) begun.resolve();
          seen.resolve("ended");
        } catch (error) {
          seen.resolve(error);
        }
        return { text: "" };
      },
    });
    const cancel = new AbortController();
    const reply = peer.call("Up", forever(), { signal: cancel.signal });
    reply.catch(() => {});
    await begun.promise;
    cancel.abort();
    await failure(reply);
    expect(((await seen.promise) as MicrorunError).code).toBe("cancelled");
  });

  test("a request stream that fails cancels the call with its error", async () => {
    await using peer = await open({
      Up: async (requests: Messages) => ({ text: (await texts(requests)).join("") }),
    });
    async function* requests() {
      yield { text: "a" };
      throw new MicrorunError("failed_precondition", "out of data");
    }
    expect(await failure(peer.call("Up", requests()))).toMatchObject({
      code: "failed_precondition",
      message: "out of data",
    });
  });

  test("a server that answers early leaves the rest of the requests unread", async () => {
    const left = Promise.withResolvers<void>();
    await using peer = await open({
      Up: async (requests: Messages) => {
        await requests[Symbol.asyncIterator]().next();
        return { text: "enough" };
      },
    });
    async function* requests() {
      try {
        for (;;) yield { text: "x".repeat(10_000) };
      } finally {
        left.resolve();
      }
    }
    expect(await peer.call("Up", requests())).toMatchObject({ text: "enough" });
    await left.promise;
  });

  test("a handler that goes on after its call is over disturbs nothing", async () => {
    const over = Promise.withResolvers<void>();
    const ways: Record<string, Answer> = {
      Unary: async (_, call) => {
        await aborted(call.signal);
        await over.promise;
        throw new Error("too late");
      },
      Down: async function* (_, call) {
        await aborted(call.signal);
        await over.promise;
        yield { text: "too late" };
        throw new Error("later still");
      },
      Both: async (_, call) => {
        await aborted(call.signal);
        await over.promise;
        return count(3);
      },
    };
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", note);
    try {
      await using peer = await open(ways);
      const asked = { Unary: { text: "" }, Down: { text: "" }, Both: forever() };
      for (const [method, request] of Object.entries(asked)) {
        const error = await failure(texts(peer.call(method, request, { deadline: Date.now() + 30 })));
        expect(error.code).toBe("deadline_exceeded");
      }
      over.resolve();
      await new Promise((resolve) => setTimeout(resolve, 10));
    } finally {
      process.off("unhandledRejection", note);
    }
    expect(unhandled).toEqual([]);
  });

  test("a stream's handler that returns no stream is internal", async () => {
    for (const value of [undefined, 7, "text", {}]) {
      await using peer = await open({ Down: () => value });
      expect(await failure(texts(peer.call("Down", { text: "" })))).toMatchObject({ code: "internal" });
    }
  });
}

/** What becomes of calls when an end comes down. */
function stops(open: Open): void {
  test("a server that stops answers the calls it has, and takes no new ones", async () => {
    const begun = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const peer = await open({
      Unary: async ({ text }: Message) => {
        begun.resolve();
        await go.promise;
        return { text };
      },
      Down: async function* () {
        yield { text: "a" };
        await go.promise;
        yield { text: "b" };
      },
    });
    const unary = peer.call("Unary", { text: "kept" });
    const down = texts(peer.call("Down", { text: "" }));
    await begun.promise;
    const stopped = peer.server[Symbol.asyncDispose]();
    setTimeout(go.resolve, 50);
    expect(await unary).toMatchObject({ text: "kept" });
    expect(await down).toEqual(["a", "b"]);
    await stopped;
    expect(await failure(peer.call("Unary", { text: "new" }))).toMatchObject({ code: "unavailable" });
    await peer[Symbol.asyncDispose]();
  });

  test("a call that outlives the drain is ended as unavailable", async () => {
    let reason: unknown;
    const begun = Promise.withResolvers<void>();
    const peer = await open(
      {
        Unary: (_, { signal }) => {
          signal.addEventListener("abort", () => {
            reason = signal.reason;
          });
          begun.resolve();
          return new Promise(() => {});
        },
      },
      { drainTimeoutMs: 50 },
    );
    const reply = peer.call("Unary", { text: "" });
    reply.catch(() => {});
    await begun.promise;
    await peer.server[Symbol.asyncDispose]();
    expect(await failure(reply)).toMatchObject({ code: "unavailable", message: "the server is stopping" });
    expect((reason as MicrorunError).code).toBe("unavailable");
    await peer[Symbol.asyncDispose]();
  });

  test("a stream of the runtime's own does not hold a stop", async () => {
    const peer = await open({
      Watch: async function* (_, { signal }) {
        yield { text: "now" };
        await aborted(signal);
      },
    });
    const seen = peer.call("Watch", { text: "" }, { service: "contract.Own" });
    const replies = ((await seen) as Messages)[Symbol.asyncIterator]();
    await replies.next();
    const began = performance.now();
    await peer.server[Symbol.asyncDispose]();
    expect(performance.now() - began).toBeLessThan(promptMs);
    expect(await failure(replies.next())).toMatchObject({ code: "unavailable" });
    await peer[Symbol.asyncDispose]();
  });

  test("a connection that is closed cancels its calls", async () => {
    const begun = Promise.withResolvers<void>();
    await using peer = await open({
      Unary: () => {
        begun.resolve();
        return new Promise(() => {});
      },
    });
    const reply = peer.call("Unary", { text: "" });
    reply.catch(() => {});
    await begun.promise;
    await peer.connection[Symbol.asyncDispose]();
    expect(await failure(reply)).toMatchObject({ code: "cancelled" });
    expect(await failure(peer.call("Unary", { text: "" }))).toMatchObject({ code: "unavailable" });
  });
}

function outgoing(call: Pick<Call, "service" | "method" | "request"> & Partial<Call>): Call {
  return { metadata: new Headers(), signal: new AbortController().signal, ...call };
}

function caller(connection: Connection) {
  return async (name: string, request: unknown, options: Partial<Call> = {}): Promise<unknown> => {
    const type = methods.find((method) => method.name === name)!;
    return connection.dispatch(outgoing({ service: type.service, method: name, request, type, ...options }));
  };
}

async function* count(n: number, text = "n"): AsyncGenerator<Message> {
  for (let i = 0; i < n; i++) yield { text: `${text}${i}` };
}

/** A first message, and then none: the stream stays open. */
async function* forever(): AsyncGenerator<Message> {
  yield { text: "" };
  await new Promise(() => {});
}

async function texts(messages: unknown): Promise<string[]> {
  const seen: string[] = [];
  const from = await messages;
  if (typeof from !== "object" || from === null || !(Symbol.asyncIterator in from)) return seen;
  for await (const { text } of from as Messages) seen.push(text);
  return seen;
}

async function failure(work: Promise<unknown>): Promise<MicrorunError> {
  try {
    await work;
  } catch (error) {
    expect(error).toBeInstanceOf(MicrorunError);
    return error as MicrorunError;
  }
  throw new Error("it did not fail");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}

/** Waits until a number no longer grows. */
async function settled(value: () => number): Promise<void> {
  for (let last = -1; last !== value(); ) {
    last = value();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
