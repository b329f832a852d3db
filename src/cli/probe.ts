/** `microrun probe`: asks once and answers by its exit code, as micro/kubernetes' cmd/probe did. */
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { errorText, MicrorunError, usageError } from "../errors.ts";
import { within } from "../wait.ts";
import type { Built, Input } from "./command/command.ts";
import { dialable } from "./command/dial.ts";
import type { Values } from "./flags/flags.ts";
import { probeFlags } from "./flags/tool-flags.ts";
import { readFlags } from "./flags/values.ts";
import { debugHealth } from "./toolkit/debug-health.ts";

/** 1, asked wrongly, comes from the command's table. */
const exits = { ok: 0, noConnection: 2, notHealthy: 4 } as const;

const usualAddress = "127.0.0.1:8080";

interface Plan {
  /** What is asked, for people. */
  readonly what: string;
  /** `host:port` or `unix:/path`. */
  readonly address: string;
  /** What makes a connection of a socket. @default nothing */
  readonly greet?: (socket: Socket) => Promise<unknown>;
  /** @throws when the answer is not a good one */
  readonly ask: () => Promise<string>;
}

export async function start({ given, env, built }: Input): Promise<number> {
  const asked = readFlags(probeFlags, given, env);
  const flags = built === undefined ? asked : { ...asked, ...itself(asked, built) };
  const plan = flags.http === undefined ? rpcPlan(flags) : httpPlan(flags, flags.http);
  const began = performance.now();
  try {
    await reach(plan, flags.connect_timeout);
  } catch (error) {
    process.stderr.write(`cannot connect to ${plan.address}: ${errorText(error)}\n`);
    return exits.noConnection;
  }
  try {
    const status = await plan.ask();
    const detail = flags.verbose ? ` (${plan.what}, ${Math.round(performance.now() - began)} ms)` : "";
    process.stdout.write(`status: ${status}${detail}\n`);
    return exits.ok;
  } catch (error) {
    process.stderr.write(`not healthy: ${plan.what}: ${errorText(error)}\n`);
    return exits.notHealthy;
  }
}

type ProbeFlags = Values<typeof probeFlags>;

/** An executable of a service asks that one, unless told otherwise. */
function itself({ server_name, server_address }: ProbeFlags, { name }: Built): Partial<ProbeFlags> {
  return { server_name: server_name ?? name, server_address: server_address ?? usualAddress };
}

function rpcPlan({ server_name, server_address, rpc_timeout }: ProbeFlags): Plan {
  if (server_name === undefined) throw usageError("server name not set", "give --server_name");
  if (server_address === undefined) throw usageError("server address not set", "give --server_address");
  return {
    what: `Debug.Health of ${server_name} at ${server_address}`,
    address: dialable(server_address),
    greet: (socket) => {
      const session = connectHttp2("http://localhost", { createConnection: () => socket });
      return once(session, "remoteSettings").finally(() => session.destroy());
    },
    ask: () => debugHealth(server_address, rpc_timeout),
  };
}

function httpPlan({ server_address = usualAddress, rpc_timeout }: ProbeFlags, target: string): Plan {
  if (target.startsWith("/") && server_address.startsWith("unix:")) {
    throw usageError(
      `--http=${target}: ${server_address} is no host`,
      "give a whole URL, or leave --http out",
    );
  }
  const text = target.startsWith("/") ? `http://${dialable(server_address)}${target}` : target;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw usageError(`--http=${target}: not a URL`, "write it as /readyz or http://localhost:8080/readyz");
  }
  return {
    what: `GET ${url.href}`,
    address: `${url.hostname}:${url.port || (url.protocol === "https:" ? 443 : 80)}`,
    ask: async () => {
      const response = await fetch(url, { redirect: "manual", signal: AbortSignal.timeout(rpc_timeout) });
      if (response.ok) return "ok";
      throw new MicrorunError(
        "unavailable",
        `${response.status} ${(await response.text()).trim().slice(0, 200)}`,
      );
    },
  };
}

async function reach({ address, greet }: Plan, timeoutMs: number): Promise<void> {
  const colon = address.lastIndexOf(":");
  const socket = address.startsWith("unix:")
    ? connect(address.slice("unix:".length))
    : connect(Number(address.slice(colon + 1)), address.slice(0, colon).replace(/^\[|\]$/g, ""));
  socket.on("error", () => {});
  try {
    const connected = once(socket, "connect").then(() => greet?.(socket));
    await within(timeoutMs, "connecting", connected);
  } finally {
    socket.destroy();
  }
}
