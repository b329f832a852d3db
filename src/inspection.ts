/** What an instance tells of itself where that is asked for: its calls are timed then, and the messages of its broker looked at. */
import type { OpenBroker } from "./broker/broker.ts";
import type { Call, Middleware } from "./call.ts";
import { type ConfigStore, shownValues } from "./configuration.ts";
import { openSampler } from "./inspect/sampler.ts";
import { watchBroker } from "./inspect/watched-broker.ts";
import type { LogSink } from "./log.ts";
import { grpc } from "./plugins.ts";
import type { Part } from "./service/compose.ts";
import type { Service } from "./service/service.ts";
import type { Settings } from "./settings.ts";

export interface Inspection extends Disposable {
  /** What carries the events from now on. */
  readonly broker: OpenBroker;
  readonly count: Middleware;
  /** The service to serve. @param service the whole, of which it will be a part */
  part(service: () => Service): Promise<Part>;
}

export interface InspectionOptions {
  readonly inspect: NonNullable<Settings["inspect"]>;
  readonly broker: OpenBroker;
  readonly config: ConfigStore;
  /** Topics. */
  readonly subscriptions: readonly string[];
  readonly log: LogSink;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Services of the runtime's own: who looks is not looked at. */
const own = /^(grpc\.(health|reflection)\.|microrun\.inspect\.|(?:[\w.]*\.)?Debug$)/;

/** Nobody is to be told payloads in a cluster: they are other people's. */
export function openInspection(options: InspectionOptions): Inspection {
  const { inspect, config, subscriptions, log, env } = options;
  const started = Math.floor(Date.now() / 1000);
  const isOwn = ({ type, service }: Call): boolean => own.test(type?.service ?? service);
  const sampler = openSampler(isOwn);
  const bodies = !env.KUBERNETES_SERVICE_HOST;
  const { broker, events } = watchBroker(options.broker, { bodies, seen: sampler.countEvent });
  return {
    broker,
    count: sampler.count,
    part: async (service) => {
      const { inspectPart } = await grpc.inspect();
      return inspectPart({
        ...{ service, started, ...inspect, subscriptions, log, events },
        config: () => shownValues(config),
        samples: sampler.samples,
      });
    },
    [Symbol.dispose]: () => sampler[Symbol.dispose](),
  };
}
