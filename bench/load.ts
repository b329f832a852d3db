/** What a load is, and the one that most cases take: grpc-go's client, the fastest at hand, so that the server is what is measured. */
import type { Children } from "./children.ts";

export interface Load {
  /** Calls, or messages of streams, whichever the case counts. */
  readonly count: number;
  readonly rate: number;
  /** Of calls; absent where the generator does not tell. */
  readonly p50Us?: number;
  readonly p99Us?: number;
}

export interface Target {
  readonly port: number;
  readonly seconds: number;
  readonly owned: Children;
  /** grpc-go's load generator. */
  readonly client: string;
}

/** @throws when one call fails */
export type Generator = (target: Target) => Promise<Load>;

export interface GrpcShape {
  readonly concurrency: number;
  /** Metadata that differs in each call, and a deadline. @default false */
  readonly uniqueMetadata?: boolean;
  /** Bytes of the name that is greeted. @default 5 */
  readonly nameBytes?: number;
  /** Messages of 10 bytes in a stream that answers each call; they are what counts. @default a unary call */
  readonly messages?: number;
}

/** What a load may take beyond its own time. */
export const graceMs = 10_000;
/** Never reached: it is there to be sent, read and kept. */
const deadline = "10s";

/** On one connection. */
export function grpcLoad(shape: GrpcShape): Generator {
  const { concurrency, uniqueMetadata = false, nameBytes, messages } = shape;
  const options = [`--concurrency=${concurrency}`];
  if (uniqueMetadata) options.push("--unique-metadata", `--deadline=${deadline}`);
  if (nameBytes !== undefined) options.push(`--size=${nameBytes}`);
  if (messages !== undefined) options.push("--kind=server", `--name=count:${messages}:ok`);
  return async ({ port, seconds, owned, client }) => {
    const command = [client, "load", `--address=127.0.0.1:${port}`, `--duration=${seconds}s`, ...options];
    const said = JSON.parse(await owned.run(command, seconds * 1000 + graceMs)) as Said;
    if (Object.keys(said.errors).length > 0) throw new Error(`calls failed: ${JSON.stringify(said.errors)}`);
    if (said.messages !== said.count * (messages ?? 1))
      throw new Error(`${said.count} calls gave ${said.messages} messages`);
    return {
      count: said.messages,
      rate: said.messages / said.seconds,
      p50Us: said.p50,
      p99Us: said.p99,
    };
  };
}

interface Said {
  readonly count: number;
  readonly messages: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly p50: number;
  readonly p99: number;
}
