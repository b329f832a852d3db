/** `microrun dashboard`: services of a registry looked at, called and watched in a browser, until stopped. */
import { spawn } from "node:child_process";
import { openDashboard } from "../../opened-dashboard.ts";
import { openOutbound } from "../../outbound.ts";
import { aborted } from "../../wait.ts";
import type { Input } from "../command/command.ts";
import { registryMesh, stopSignal, toolLog } from "../command/discovery.ts";
import { readClient, readMesh } from "../command/settings.ts";
import { dashboardFlags } from "../flags/dashboard-flags.ts";
import { portFlags } from "../flags/run-flags.ts";
import { readFlags } from "../flags/values.ts";

/** A call of the dashboard that says nothing itself, in ms. */
const requestTimeoutMs = 5000;

export async function start({ given, env, host }: Input): Promise<number> {
  const { address, token, open } = readFlags(dashboardFlags, given, env);
  const { max_message_bytes } = readFlags({ max_message_bytes: portFlags.max_message_bytes }, given, env);
  const { registry } = registryMesh({ given, env });
  // whoever has a registry asks it, in a cluster too
  const mesh = { ...readMesh(new Map([...given, ["registry", [registry]]]), env), registry };
  const log = toolLog(env);
  const signal = stopSignal();
  await using outbound = await openOutbound({
    mesh,
    client: readClient(given, env),
    requestTimeoutMs: () => requestTimeoutMs,
    transport: "grpc",
    maxMessageBytes: max_message_bytes,
    from: "microrun-dashboard",
    env,
    log,
  });
  await using opened = await openDashboard({
    registry: outbound.registry,
    client: outbound.client(),
    address,
    ...(token === undefined ? {} : { token }),
    host: await host(),
    log,
  });
  process.stdout.write(`Dashboard: ${opened.url}\n`);
  if (open) openBrowser(opened.url, log.warn);
  await aborted(signal);
  return 0;
}

/** What opens a URL on each system. */
const openers: Readonly<Record<string, readonly string[]>> = {
  darwin: ["open"],
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

function openBrowser(url: string, warn: (message: string) => void): void {
  const [command, ...words] = openers[process.platform] ?? ["xdg-open"];
  const child = spawn(command!, [...words, url], { stdio: "ignore", detached: true });
  child.on("error", () => warn(`cannot open a browser by ${command}: open the URL yourself`));
  child.unref();
}
