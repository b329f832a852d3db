/** A real nats-server, built from its Go module in test/tools/nats, once per version; started on a loopback port, killed and started again. */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goBuild, goCache } from "./go-build.ts";

const module = join(import.meta.dir, "tools/nats");
const startTimeoutMs = 20_000;
let asked: Promise<string | undefined> | undefined;

/** Its path, built now if need be. `undefined` without Go, for the test to skip; then it throws when CI=true. */
export function natsBinary(): Promise<string | undefined> {
  asked ??= find();
  return asked;
}

async function find(): Promise<string | undefined> {
  const path = join(await goCache("nats", module), "nats-server");
  if (await Bun.file(path).exists()) return path;
  if (!Bun.which("go")) {
    if (process.env.CI === "true") throw new Error("cannot build nats-server: there is no go in PATH");
    console.error("skipped: tests against a nats-server, as there is no go in PATH to build it");
    return undefined;
  }
  await goBuild({ module, package: "github.com/nats-io/nats-server/v2", path });
  return path;
}

export interface NatsServer extends AsyncDisposable {
  /** `127.0.0.1:34567` */
  readonly host: string;
  readonly url: string;
  /** SIGKILL: nobody is told. */
  kill(): Promise<void>;
  /** On the same port, with what it had stored. */
  start(): Promise<void>;
}

/** @param args beside the port and, with JetStream, the folder of its store */
export async function startNats(
  path: string,
  { args = [], jetstream = true }: { readonly args?: readonly string[]; readonly jetstream?: boolean } = {},
): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), "microrun-nats-"));
  const log = join(folder, "log");
  const port = await freePort();
  const store = jetstream ? ["-js", "-sd", join(folder, "store")] : [];
  let child: Bun.Subprocess | undefined;
  const host = `127.0.0.1:${port}`;

  const kill = async (): Promise<void> => {
    child?.kill("SIGKILL");
    await child?.exited;
  };
  const start = async (): Promise<void> => {
    await rm(log, { force: true });
    const command = [path, "-a", "127.0.0.1", "-p", `${port}`, "-l", log, ...store, ...args];
    child = Bun.spawn(command, { stdio: ["ignore", "ignore", "ignore"] });
    for (const end = Date.now() + startTimeoutMs; ; await Bun.sleep(20)) {
      const said = await readFile(log, "utf8").catch(() => "");
      if (said.includes("Server is ready")) return;
      if (child.exitCode !== null || Date.now() > end)
        throw new Error(`nats-server does not start:\n${said}`);
    }
  };
  await start();
  return {
    host,
    url: `nats://${host}`,
    kill,
    start,
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((listening) => server.once("listening", listening));
  const { port } = server.address() as { port: number };
  await new Promise((closed) => server.close(closed));
  return port;
}

if (import.meta.main) console.log(await natsBinary());
