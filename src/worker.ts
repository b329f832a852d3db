/** What is different about a run that is one worker of several: its ports are the others' too, and what it cannot share is told. */
import { usageError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Definition } from "./service/service.ts";
import type { Settings, Settle } from "./settings.ts";
import type { Seat } from "./workers/workers.ts";

/** The settings of a worker: where the first one listens, so do the others. */
export function seated(settle: Settle, seat: Seat | undefined): Settle {
  const at = seat?.launch.addresses;
  if (at === undefined) return settle;
  return (configured) => {
    const settings = settle(configured);
    const { server, grpcAddress, httpAddress, healthAddress } = settings;
    const main = grpcAddress !== undefined && httpAddress === undefined ? at.http : at.grpc;
    return {
      ...settings,
      server: { ...server, address: main },
      ...(grpcAddress === undefined ? {} : { grpcAddress: at.grpc }),
      ...(httpAddress === undefined ? {} : { httpAddress: at.http }),
      ...(healthAddress === undefined || at.health === undefined ? {} : { healthAddress: at.health }),
    };
  };
}

/** @throws MicrorunError `invalid_argument` for a module that cannot have several workers */
export function checkShared(
  { job, subscribe = {} }: Definition,
  { mesh }: Settings,
  { seat, log }: { readonly seat: Seat; readonly log: Log },
): void {
  if (job !== undefined)
    throw usageError(
      `--workers=${seat.launch.of}: the module's default export is a function, which runs once`,
      "leave --workers out",
    );
  const subscribes = Object.keys(subscribe).length > 0;
  // each subscription has a node, and each worker a port, of its own
  const [eventsAt = process.env.KUBERNETES_SERVICE_HOST ? "its port" : ":0"] = mesh.brokerAddress;
  if (subscribes && mesh.broker === "http" && !eventsAt.endsWith(":0"))
    throw usageError(
      `--workers=${seat.launch.of}: --broker=http cannot take events on ${eventsAt} in several processes`,
      "use --broker_address=0.0.0.0:0, a free port in each, or --broker=nats",
    );
  if (seat.launch.addresses !== undefined) return;
  const apart = [
    ...(subscribes && mesh.broker === "memory" ? ["--broker=memory"] : []),
    ...(mesh.registry === "memory" && mesh.selector !== "static" && mesh.selector !== "dns"
      ? ["--registry=memory"]
      : []),
  ];
  for (const flag of apart) log.warn(`${flag}: each worker has its own, and hears nothing of the others`);
}
