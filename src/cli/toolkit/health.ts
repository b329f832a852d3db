/** `microrun health`: micro/kubernetes' sidecar. `/health` asks `Debug.Health` of a service beside it. */
import { once } from "node:events";
import { errorText } from "../../errors.ts";
import { createLog, type Log } from "../../log.ts";
import { http } from "../../plugins.ts";
import type { Input } from "../command/command.ts";
import { readLog } from "../command/settings.ts";
import { healthFlags } from "../flags/tool-flags.ts";
import { readFlags } from "../flags/values.ts";
import { debugHealth } from "./debug-health.ts";

/** As the sidecar had it. */
const rpcTimeoutMs = 5000;

export async function start(input: Input): Promise<number> {
  const { words, given, env, host } = input;
  if (words.length > 0) return (await import("./health-report.ts")).start(input);
  const flags = readFlags(healthFlags, given, env);
  const log = createLog({ ...readLog(given, env), write: (line) => process.stderr.write(`${line}\n`) });
  const missing =
    flags.server_name === undefined ? "name" : flags.server_address === undefined ? "address" : undefined;
  if (missing !== undefined) {
    log.error(`server ${missing} not set`);
    return 1;
  }
  const stopped = Promise.race([once(process, "SIGTERM"), once(process, "SIGINT")]);
  const { serveHttp } = await http.server();
  await using server = await serveHttp({
    address: flags.health_address,
    fetch: (request: Request) => answer(request, flags.server_address!, log),
    host: await host(),
    drainTimeoutMs: rpcTimeoutMs,
    log,
  });
  log.info(`Server [health] Listening on ${server.address}`, {
    of: flags.server_name,
    at: flags.server_address,
  });
  await stopped;
  return 0;
}

async function answer(request: Request, address: string, log: Log): Promise<Response> {
  if (new URL(request.url).pathname !== "/health") return reply(404, "404 page not found\n");
  if (request.method !== "GET" && request.method !== "POST") return reply(405, "");
  try {
    await debugHealth(address, rpcTimeoutMs);
    return reply(200, "OK");
  } catch (error) {
    log.warn(`not healthy: ${errorText(error)}`);
    return reply(500, "NOT_HEALTHY");
  }
}

function reply(status: number, body: string): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}
