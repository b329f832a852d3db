/** Asks a starting server again and again, on raw sockets, until it answers: a client of its own would add its start. */

/** How long a server may take until it answers. */
const limitMs = 10_000;
/** Between two attempts: the resolution of the start figures. */
const pollMs = 1;

export const path = "/greeter.Greeter/Hello";
const expected = "Hello World";

/** `POST` of {"name":"World"}, as curl would send it. */
export const jsonRequest: Buffer = Buffer.from(
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n` +
    `content-length: 16\r\n\r\n{"name":"World"}`,
);

/** {"name":"World"} as gRPC sends a message. */
export const grpcMessage: Buffer = Buffer.from("\0\0\0\0\x07\x0a\x05World", "latin1");

/** The same call in gRPC: preface, SETTINGS, HEADERS, DATA; every field a literal, so that no HPACK table is needed. */
export const grpcRequest: Buffer = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(4, 0, 0, Buffer.alloc(0)),
  frame(
    1,
    0x4, // END_HEADERS
    1,
    Buffer.concat([
      Buffer.from([0x83, 0x86]), // :method POST, :scheme http
      field(":path", path),
      field(":authority", "127.0.0.1"),
      field("content-type", "application/grpc"),
      field("te", "trailers"),
    ]),
  ),
  frame(0, 0x1, 1, grpcMessage), // END_STREAM
]);

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function field(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

/** Resolves when the server has answered `request`, or, without one, when it takes connections. */
export async function firstReply(port: number, request?: Buffer): Promise<void> {
  const end = performance.now() + limitMs;
  while (performance.now() < end) {
    if (await attempt(port, request, Math.max(pollMs, end - performance.now()))) return;
    await Bun.sleep(pollMs);
  }
  throw new Error(`no answer on port ${port} within ${limitMs} ms`);
}

function attempt(port: number, request: Buffer | undefined, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    let said = "";
    const timer = setTimeout(() => resolve(false), timeoutMs);
    const settle = (answered: boolean): void => {
      clearTimeout(timer);
      resolve(answered);
    };
    Bun.connect({
      hostname: "127.0.0.1",
      port,
      socket: {
        open(socket) {
          if (request) socket.write(request);
          else {
            settle(true);
            socket.end();
          }
        },
        data(socket, chunk) {
          said += chunk.toString("latin1");
          if (!said.includes(expected)) return;
          settle(true);
          socket.end();
        },
        close: () => settle(false),
        error: () => settle(false),
        connectError: () => settle(false),
      },
    }).catch(() => settle(false));
  });
}

/** A port that was free just now, below those that the kernel gives to outgoing connections and to port 0. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    try {
      Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
      return port;
    } catch {} // taken: the next one
  }
  throw new Error("no free port from 20000 to 29999");
}
