/** nghttp2's load generator: cheaper than any gRPC client, so that on few cores the server still gets its share. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { grpcMessage, path } from "./first-reply.ts";
import { type Generator, graceMs } from "./load.ts";

/** Why it cannot be used here; undefined where it can. */
export const h2loadMissing = (): string | undefined =>
  Bun.which("h2load") ? undefined : "there is no h2load in PATH (Debian: nghttp2-client)";

/** It sees HTTP alone: of a failed gRPC call it would count the 200. An answer has at least this much data. */
const answerBytes = grpcMessage.length;

export function h2load(connections: number, streams: number): Generator {
  const shape = [`--clients=${connections}`, `--max-concurrent-streams=${streams}`];
  return async ({ port, seconds, owned }) => {
    const folder = mkdtempSync(join(tmpdir(), "microrun-bench-"));
    try {
      const body = join(folder, "request");
      writeFileSync(body, grpcMessage);
      const load = [...shape, `--duration=${Math.round(seconds * 1000)}ms`, `--data=${body}`];
      const fields = ["--header=content-type: application/grpc", "--header=te: trailers"];
      const command = ["h2load", ...load, ...fields, `http://127.0.0.1:${port}${path}`];
      return counted(await owned.run(command, seconds * 1000 + graceMs), seconds);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

function counted(said: string, seconds: number): { count: number; rate: number } {
  const number = (pattern: RegExp): number => Number(pattern.exec(said)?.[1]);
  const count = number(/ (\d+) succeeded/);
  const failed = number(/ (\d+) failed/);
  const data = number(/\((\d+)\) data/);
  if (!(count > 0 && failed === 0 && data >= count * answerBytes)) throw new Error(`h2load: ${said}`);
  return { count, rate: count / seconds };
}
