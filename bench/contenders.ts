/** The servers that are compared, each one executable that is built here and told its port. */
import { join } from "node:path";
import { compile } from "../scripts/build.ts";
import { peer } from "../test/peers.ts";
import { grpcRequest, jsonRequest } from "./first-reply.ts";

export interface Contender {
  readonly name: string;
  readonly binary: string;
  /** The first request that it must answer. */
  readonly request: Buffer;
  /** Names of cases that it has no method for. */
  readonly lacks?: readonly string[];
  arguments(port: number): readonly string[];
}

export interface Contenders {
  readonly grpc: readonly Contender[];
  readonly json: readonly Contender[];
  /** microrun alone, plain and with its calls observed. */
  readonly observed: readonly Contender[];
  /** grpc-go's load generator. */
  readonly client: string;
  /** The bare grpc-js client that calls out are held against. */
  readonly bareCaller: string;
  readonly microrun: string;
}

const root = join(import.meta.dir, "..");

/** In the order in which they are run. `MICRORUN_BIN` measures that binary instead of one built now. */
export async function contenders(): Promise<Contenders> {
  const [go, v2, v5] = [await peer("grpc-go"), await peer("v2"), await peer("v5")];
  if (go === undefined || v2 === undefined || v5 === undefined)
    throw new Error("there is no go in PATH: the load comes from a Go client; install Go");
  const built = (name: string): Promise<string> =>
    compile(join(root, `bench/${name}.ts`), join(root, `dist/bench/${name}`));
  const bareGrpc = await built("grpc-js-server");
  const bareCaller = await built("grpc-js-caller");
  const bareHttp = await built("bun-serve-server");
  const microrun = process.env.MICRORUN_BIN ?? (await compile());

  const grpc = { request: grpcRequest };
  const json = { request: jsonRequest };
  const goMicro = { ...grpc, lacks: ["stream"], arguments: serve };
  const ours = { ...grpc, name: "microrun", binary: microrun, arguments: run("bench/greeter.ts") };
  return {
    client: go,
    bareCaller,
    microrun,
    grpc: [
      ours,
      { ...ours, name: "microrun on grpc-js", arguments: run("bench/greeter.ts", "--transport=grpc-js") },
      { ...grpc, name: "grpc-js", binary: bareGrpc, arguments: (port) => [`${port}`] },
      { ...grpc, name: "grpc-go", binary: go, arguments: serve },
      { ...goMicro, name: "go-micro v2", binary: v2 },
      { ...goMicro, name: "go-micro v5", binary: v5 },
    ],
    json: [
      { ...json, name: "microrun", binary: microrun, arguments: run("examples/greeter/greeter.ts") },
      { ...json, name: "microrun --http_address", binary: microrun, arguments: ownPort },
      { ...json, name: "Bun.serve", binary: bareHttp, arguments: (port) => [`${port}`] },
    ],
    observed: [
      ours,
      { ...ours, name: "observed", arguments: run("bench/observed-greeter.ts", ...observing) },
    ],
  };
}

/** What the runtime itself may do for each call, all on; counting for `Debug.Stats` always is. */
const observing = ["--grpc_timeout=5s", "--log_level=debug"];

const run =
  (module: string, ...flags: readonly string[]) =>
  (port: number): string[] => [
    ...["run", join(root, module), "--server_name=greeter", "--selector=static"],
    ...flags,
    `--server_address=127.0.0.1:${port}`,
  ];

const ownPort = (port: number): string[] => [
  ...run("examples/greeter/greeter.ts")(0),
  `--http_address=127.0.0.1:${port}`,
];

const serve = (port: number): string[] => ["serve", `--address=127.0.0.1:${port}`];
