/** Gateways for tests: services behind one, and tokens for it. */
import { createHmac } from "node:crypto";
import { join } from "node:path";
import { folder, type Running, serve, type Target } from "./harness.ts";

const proto = `syntax = "proto3";
package shop;
service Shop {
  rpc Get(Item) returns (Item);
  rpc Tell(Item) returns (Item);
  rpc Watch(Item) returns (stream Item);
  rpc Collect(stream Item) returns (Item);
  rpc Talk(stream Item) returns (stream Item);
}
message Item { string name = 1; int64 count = 2; map<string, string> metadata = 3; }
`;

/** What becomes of its calls is in its log. */
const module = `
const tell = (text) => process.stderr.write(\`\${text}\\n\`);
const ended = (signal, what) => signal.addEventListener("abort", () => tell(\`aborted \${what}\`));
export const name = "shop";
export default {
  handlers: { Shop: {
    Get: async ({ name, count }, { signal }) => {
      if (name === "missing") { const error = new MicrorunError("not_found", "no such item", { reason: "shop.item" }); throw error; }
      if (name === "broken") throw new Error("a secret of ours");
      if (name === "slow") { ended(signal, "Get"); tell("began Get"); await new Promise(() => {}); }
      if (name === "large") return { name: "x".repeat(100_000) };
      return { name, count };
    },
    Tell: (_, { metadata }) => ({ metadata: Object.fromEntries(metadata) }),
    async *Watch({ name, count }, { signal }) {
      ended(signal, "Watch");
      for (let i = 0; i < Number(count ?? 3); i++) {
        yield { name: name + i };
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
      if (name === "broken") throw new MicrorunError("out_of_range", "no more");
      if (name === "endless") await new Promise(() => {});
    },
    Collect: async (items) => {
      let all = "";
      for await (const { name } of items) all += name;
      return { name: all };
    },
    async *Talk(items) {
      for await (const { name } of items) yield { name: name.toUpperCase() };
    },
  } },
  websocket: {
    open: (socket) => socket.send("from " + socket.data),
    message: (socket, message) => message === "end" ? socket.close(4001, "ended") : socket.send(message),
    close: (_, code) => tell("closed " + code),
  },
  async fetch(request, { upgrade }) {
    const { pathname, search } = new URL(request.url);
    if (pathname.endsWith("/socket") && upgrade(request, { data: request.headers.get("x-forwarded-for") })) return;
    if (pathname.endsWith("/slow")) { tell("began fetch"); request.signal.addEventListener("abort", () => tell("aborted fetch")); await new Promise(() => {}); }
    if (pathname.endsWith("/endless")) {
      return new Response(new ReadableStream({
        async pull(controller) { await new Promise((r) => setTimeout(r, 20)); controller.enqueue("tick\\n"); },
        cancel() { tell("cancelled body"); },
      }));
    }
    if (pathname.endsWith("/moved")) return new Response(null, { status: 302, headers: { location: "/shop/there", "set-cookie": "a=b" } });
    const body = await request.text();
    const headers = Object.fromEntries(request.headers);
    return Response.json({ method: request.method, path: pathname + search, length: body.length, headers }, { headers: { "keep-alive": "timeout=5", "x-own": "1" } });
  },
};
import { MicrorunError } from "microrun";
`;

export interface Scene extends AsyncDisposable {
  readonly shop: Running;
  readonly gateway: Running;
  /** For others that shall see the same services. */
  readonly env: Readonly<Record<string, string>>;
  /** `http://127.0.0.1:port` */
  readonly url: string;
  /** For the secret file that the gateway may be given. */
  token(claims?: Readonly<Record<string, unknown>>, secret?: string, header?: object): string;
}

const secret = "a secret that is shared by the tests only";

/** @param args of the gateway; `SECRET` is the path of a file that holds one */
export async function scene(target: Target, args: readonly string[] = []): Promise<Scene> {
  await using stack = new AsyncDisposableStack();
  const files = stack.use(folder({ "shop.ts": module, "shop.proto": proto, secret: `${secret}\n` }));
  // scenes at the same time do not see each other
  const env = { XDG_RUNTIME_DIR: files.path };
  const shop = stack.use(await serve(target, [join(files.path, "shop.ts")], { env }));
  const own = args.map((arg) => arg.replace("SECRET", join(files.path, "secret")));
  const gateway = stack.use(await startGateway(target, own, env));
  const all = stack.move();
  return {
    ...{ shop, gateway, env, url: `http://${gateway.address("http")}` },
    token: (claims = {}, key = secret, header = { alg: "HS256" }) => signed(claims, key, header),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

export function startGateway(
  target: Target,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Running> {
  return serve(target, ["gateway", "--address=127.0.0.1:0", ...args], { ownAddress: false, env });
}

function signed(claims: Readonly<Record<string, unknown>>, key: string, header: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 60;
  const text = `${part(header)}.${part({ sub: "7", exp, ...claims })}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}
