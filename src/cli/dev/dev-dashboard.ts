/** The dashboard beside the services of `microrun dev`. */
import { MicrorunError } from "../../errors.ts";
import { createLog } from "../../log.ts";
import { openDashboard } from "../../opened-dashboard.ts";
import { openOutbound } from "../../outbound.ts";
import type { Input } from "../command/command.ts";
import { readClient, readMesh } from "../command/settings.ts";

type Dashboard = Awaited<ReturnType<typeof openDashboard>>;

/** Where it usually is: a browser remembers. */
const usualAddress = "127.0.0.1:8082";
const freeAddress = "127.0.0.1:0";
/** A call of the dashboard that says nothing itself, in ms. */
const requestTimeoutMs = 5000;
const maxMessageBytes: number = 4 * 1024 * 1024;

export interface DevDashboardOptions {
  /** @default the usual one, or a free port */
  readonly address: string | undefined;
  readonly host: Input["host"];
  readonly say: (text: string) => void;
}

export async function openDevDashboard(
  place: { readonly registry: string; readonly registryFolder: string },
  { address, host, say }: DevDashboardOptions,
): Promise<Dashboard> {
  const given = new Map([["registry", [place.registry]]]);
  if (place.registry === "local") given.set("registry_address", [place.registryFolder]);
  const log = createLog({ level: "warn", write: say });
  await using stack = new AsyncDisposableStack();
  const outbound = stack.use(
    await openOutbound({
      mesh: readMesh(given, {}),
      client: readClient(new Map(), {}),
      requestTimeoutMs: () => requestTimeoutMs,
      transport: "grpc",
      maxMessageBytes,
      from: "microrun-dashboard",
      env: {},
      log,
    }),
  );
  const shared = { registry: outbound.registry, client: outbound.client(), host: await host(), log };
  const open = (at: string): Promise<Dashboard> => openDashboard({ ...shared, address: at });
  const opened = stack.use(
    await open(address ?? usualAddress).catch((error) => {
      const busy = error instanceof MicrorunError && error.code === "already_exists";
      if (address !== undefined || !busy) throw error;
      return open(freeAddress);
    }),
  );
  const own = stack.move();
  return { url: opened.url, [Symbol.asyncDispose]: () => own.disposeAsync() };
}
