/** A greeter with a schema on real sockets, in each of the ways in which HTTP is served, and clients that write bytes. */
import { connect, type Socket } from "node:net";
import type { Call, Fetch } from "../src/call.ts";
import { MicrorunError } from "../src/errors.ts";
import { parseSchema } from "../src/grpc/schema/schema.ts";
import type { WebOptions } from "../src/h1/h1.ts";
import { serveWithSockets } from "../src/h1/serve.ts";
import { createWeb } from "../src/h1/web.ts";
import { bunSockets } from "../src/h2/bun-sockets.ts";
import type { SocketUser } from "../src/h2/h2.ts";
import { nodeSockets } from "../src/h2/node-sockets.ts";
import { createHealth } from "../src/health/checks.ts";
import { createApp } from "../src/http/app.ts";
import { serveHttp } from "../src/http/server.ts";
import { silentLog } from "../src/log.ts";
import { serveWithBun } from "../src/runtime/bun-server.ts";
import { bindHandlers, composeService } from "../src/service/compose.ts";
import type { Schema } from "../src/service/service.ts";
import type { Server } from "../src/transport/transport.ts";
import { pause } from "../src/wait.ts";

export const schema: Schema = parseSchema(
  "greeter.proto",
  `syntax = "proto3"; package greeter;
   service Greeter {
     rpc Hello(Name) returns (Greeting);
     rpc Look(Name) returns (Greeting) { option idempotency_level = NO_SIDE_EFFECTS; }
     rpc Count(Name) returns (stream Greeting);
     rpc Join(stream Name) returns (Greeting);
   }
   message Name { string name = 1; }
   message Greeting { string greeting = 1; }`,
);

interface Name {
  readonly name: string;
}

export interface GreeterHooks {
  /** Answers `Hello` when the name is `wait`. */
  readonly wait?: (call: Call) => Promise<unknown>;
  readonly fetch?: Fetch;
}

export function greeterFetch({ wait, fetch }: GreeterHooks = {}): Fetch {
  const hello = async ({ name }: Name, call: Call): Promise<unknown> => {
    if (name === "wait") return wait?.(call);
    if (name === "nobody")
      throw new MicrorunError("not_found", "no such name", { reason: "NOBODY", details: { name } });
    call.reply?.header.set("x-peer", call.peer ?? "");
    call.reply?.trailer.set("x-end", call.metadata.get("x-sent") ?? "");
    return { greeting: `Hello ${name}` };
  };
  const handlers = {
    Greeter: {
      Hello: hello as never,
      Look: hello as never,
      async *Count({ name }: Name) {
        for (let n = 1; n <= 3; n++) yield { greeting: `${name} ${n}` };
      },
      async Join(names: AsyncIterable<Name>) {
        return { greeting: (await Array.fromAsync(names)).map(({ name }) => name).join(" ") };
      },
    },
  };
  const identity = { name: "greeter", version: "1", id: "greeter-1", metadata: {} };
  const service = composeService(identity, [bindHandlers(handlers, schema)]);
  const health = createHealth();
  health.setServing(true);
  return createApp({
    service,
    health,
    log: silentLog,
    maxBodyBytes: 100_000,
    dispatch: async (call) => service.find(call.service, call.method)?.handler?.(call.request, call as never),
    ...(fetch === undefined ? {} : { fetch }),
  });
}

export type Options = Omit<WebOptions, "log">;

export interface Host {
  readonly name: string;
  open(options: Options): Promise<Server>;
}

/** As a transport does it: looks at the first bytes, and hands them over with the connection. */
async function sniffed(options: Options): Promise<Server> {
  const web = createWeb({ ...options, log: silentLog });
  const listener = await bunSockets().listen({
    address: "127.0.0.1:0",
    open(socket) {
      let user: SocketUser | undefined;
      return {
        receive(bytes) {
          user ??= web.accept(socket, false);
          user?.receive(bytes);
        },
        writable: () => user?.writable(),
        gone: () => user?.gone(),
      };
    },
  });
  return {
    address: listener.address,
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]();
      await web[Symbol.asyncDispose]();
    },
  };
}

const address = "127.0.0.1:0";

export const hosts: readonly Host[] = [
  { name: "one port for all", open: sniffed },
  {
    name: "a port of its own on node's sockets",
    open({ headTimeoutMs, ...options }) {
      const serve = serveWithSockets(nodeSockets(), headTimeoutMs === undefined ? {} : { headTimeoutMs });
      return serveHttp({ ...options, address, serve, log: silentLog });
    },
  },
  {
    name: "a port of its own by Bun.serve",
    open: (options) => serveHttp({ ...options, address, serve: serveWithBun, log: silentLog }),
  },
];

/** A client that writes bytes and keeps what comes back. */
export interface Raw {
  readonly socket: Socket;
  readonly text: () => string;
  /** Resolves when what came back holds this. */
  until(part: string): Promise<void>;
  readonly closed: Promise<void>;
}

export async function raw(address: string, bytes: string): Promise<Raw> {
  const port = Number(address.slice(address.lastIndexOf(":") + 1));
  const socket = connect(port, "127.0.0.1");
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
  });
  socket.on("error", () => {});
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  socket.write(bytes, "latin1");
  const until = async (part: string): Promise<void> => {
    for (const stop = Date.now() + 3000; !text.includes(part); await pause(5))
      if (Date.now() > stop)
        throw new Error(`${JSON.stringify(part)} never came, but ${JSON.stringify(text)}`);
  };
  return { socket, text: () => text, until, closed };
}
