/** How others learn of a started service, and that it goes: by a registry, told by this process or by the parent of several. */
import type { Log } from "./log.ts";
import type { Ports } from "./ports.ts";
import type { Instance, Registry } from "./registry/registry.ts";
import type { MeshSettings, Settings } from "./settings.ts";
import { pause } from "./wait.ts";
import type { Seat } from "./workers/workers.ts";

/** What a parent of workers needs to announce them. */
export interface Announcement {
  /** Absent: nobody is told. */
  readonly instance?: Instance;
  readonly mesh: MeshSettings;
  readonly drainDelayMs: number;
  readonly drainTimeoutMs: number;
}

export interface AnnounceOptions {
  /** Absent: nobody is told. */
  readonly instance: Instance | undefined;
  readonly registry: Registry;
  readonly settings: Settings;
  readonly ports: Ports;
  /** @default this process is the service */
  readonly seat: Seat | undefined;
  readonly log: Log;
}

/** Disposing it: the announcement is taken back, and callers had `--drain_delay` to learn of it. */
export async function announce(options: AnnounceOptions): Promise<AsyncDisposable> {
  const { instance, registry, settings, ports, seat, log } = options;
  await using opened = new AsyncDisposableStack();
  // what is known to this process alone is told by it
  const own = seat === undefined || registry.name === "memory";
  let known = false;
  opened.defer(() => (seat === undefined ? pause(known ? settings.drainDelayMs : 0) : seat.left()));
  if (own && instance !== undefined) opened.use(await register(registry, instance, log));
  if (seat !== undefined) {
    const { mesh, drainDelayMs, drainTimeoutMs } = settings;
    const told = own || instance === undefined ? {} : { instance };
    const announcement: Announcement = { ...told, mesh, drainDelayMs, drainTimeoutMs };
    const { grpcAddress: grpc, httpAddress: http, healthAddress: health } = ports;
    await seat.started({ addresses: { grpc, http, health }, announcement });
  }
  known = true;
  return opened.move();
}

/** As Go Micro tells it. */
export function register(registry: Registry, instance: Instance, log: Log): Promise<AsyncDisposable> {
  log.info(`Registry [${registry.name}] Registering node: ${instance.id}`);
  return registry.register(instance);
}
