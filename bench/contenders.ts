/** The servers that are compared, each one executable that is built here and told its port. */
import { join } from "node:path";
import { compile } from "../scripts/build.ts";
import { peer } from "../test/peers.ts";
import { grpcRequest, jsonRequest } from "./first-reply.ts";

export type Protocol = "grpc" | "json";

export interface Contender {
  readonly name: string;
  readonly protocol: Protocol;
  readonly binary: string;
  /** The first request that it must answer. */
  readonly request: Buffer;
  arguments(port: number): readonly string[];
}

export interface Contenders {
  readonly servers: readonly Contender[];
  /** grpc-go's load generator. */
  readonly client: string;
  /** The bare grpc-js client that calls out are held against. */
  readonly bareCaller: string;
  readonly microrun: string;
}

const root = join(import.meta.dir, "..");

/** In the order in which they are run. `MICRORUN_BIN` measures that binary instead of one built now. */
export async function contenders(): Promise<Contenders> {
  const go = await peer("grpc-go");
  if (go === undefined)
    throw new Error("there is no go in PATH: the load comes from a Go client; install Go");
  const built = (name: string): Promise<string> =>
    compile(join(root, `bench/${name}.ts`), join(root, `dist/bench/${name}`));
  const bareGrpc = await built("grpc-js-server");
  const bareCaller = await built("grpc-js-caller");
  const bareHttp = await built("bun-serve-server");
  const microrun = process.env.MICRORUN_BIN ?? (await compile());

  const run = ["run", join(root, "examples/greeter/greeter.ts"), "--selector=static"];
  const grpc = { protocol: "grpc", request: grpcRequest } as const;
  const json = { protocol: "json", request: jsonRequest } as const;
  const onePort = (port: number): string[] => [...run, `--server_address=127.0.0.1:${port}`];
  const ownPort = (port: number): string[] => [
    ...run,
    "--server_address=127.0.0.1:0",
    `--http_address=127.0.0.1:${port}`,
  ];
  return {
    client: go,
    bareCaller,
    microrun,
    servers: [
      { ...grpc, name: "microrun", binary: microrun, arguments: onePort },
      { ...grpc, name: "grpc-js", binary: bareGrpc, arguments: (port) => [`${port}`] },
      { ...grpc, name: "grpc-go", binary: go, arguments: (port) => ["serve", `--address=127.0.0.1:${port}`] },
      { ...json, name: "microrun", binary: microrun, arguments: onePort },
      { ...json, name: "microrun --http_address", binary: microrun, arguments: ownPort },
      { ...json, name: "Bun.serve", binary: bareHttp, arguments: (port) => [`${port}`] },
    ],
  };
}
