/** Who is there: what the registry lists, and how each instance is, asked while somebody looks. */
import { errorText, MicrorunError } from "../errors.ts";
import type { Instance, Registry } from "../registry/registry.ts";
import type { Peers } from "./peers.ts";

/** `silent`: it answers, but tells nothing of itself. */
export type Health = "ok" | "failing" | "unreachable" | "silent" | "asking";

export interface InstanceState {
  readonly instance: Instance;
  readonly health: Health;
  /** Why it is not well, for people. */
  readonly detail?: string;
  /** Milliseconds since the epoch. */
  readonly started?: number;
  /** Bytes. */
  readonly memory?: number;
  readonly requests?: number;
  readonly errors?: number;
}

export interface ServiceState {
  readonly name: string;
  readonly instances: readonly InstanceState[];
}

export interface Roster {
  /** As far as is known by now. @throws MicrorunError where the registry fails */
  known(): Promise<readonly ServiceState[]>;
  /** Each instance asked just now. @throws MicrorunError where the registry fails */
  asked(): Promise<readonly ServiceState[]>;
  /** The instances of one service, as the registry lists them. @throws MicrorunError */
  of(service: string): Promise<readonly Instance[]>;
}

/** What several pages see at the same time, in ms. */
const freshMs = 1500;
/** Instances that are asked; further ones are listed alone. */
const maxAsked = 500;
const maxAtOnce = 16;

/** Where Go Micro's http broker lists its subscribers: nobody calls them. */
const subscribers = "micro.http.broker";

type Told = Omit<InstanceState, "instance">;

export function createRoster(registry: Pick<Registry, "list">, peers: Peers): Roster {
  const told = new Map<string, Told>();
  const listed = shared(async () => (await registry.list()).filter(({ service }) => service !== subscribers));
  const states = (instances: readonly Instance[]): ServiceState[] => {
    const services = Map.groupBy(instances, ({ service }) => service);
    return [...services]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, own]) => ({
        name,
        instances: own
          .toSorted((a, b) => (a.id < b.id ? -1 : 1))
          .map((instance) => ({ instance, ...(told.get(keyOf(instance)) ?? { health: "asking" }) })),
      }));
  };
  const asked = shared(async () => {
    const instances = await listed();
    const keys = new Set(instances.map(keyOf));
    for (const key of told.keys()) if (!keys.has(key)) told.delete(key);
    const queue = instances.slice(0, maxAsked);
    const worker = async (): Promise<void> => {
      for (let one = queue.shift(); one !== undefined; one = queue.shift())
        told.set(keyOf(one), await stateOf(one, peers));
    };
    await Promise.all(Array.from({ length: maxAtOnce }, worker));
    return states(instances);
  });
  return {
    known: async () => states(await listed()),
    asked,
    of: async (service) => (await listed()).filter((one) => one.service === service),
  };
}

export function keyOf({ namespace = "", service, id }: Instance): string {
  return `${namespace}/${service}/${id}`;
}

async function stateOf(instance: Instance, peers: Peers): Promise<Told> {
  const [stats, health] = await Promise.all([
    outcome(peers.ask(instance, { service: "debug.Debug", method: "Stats" })),
    outcome(peers.ask(instance, { service: "debug.Debug", method: "Health" })),
  ]);
  const numbers =
    stats.reply === undefined
      ? {}
      : {
          started: Number(stats.reply.started ?? 0) * 1000,
          memory: Number(stats.reply.memory ?? 0),
          requests: Number(stats.reply.requests ?? 0),
          errors: Number(stats.reply.errors ?? 0),
        };
  if (health.reply !== undefined) return { health: "ok", ...numbers };
  const error = health.error!;
  if (stats.reply !== undefined && error.code === "unavailable")
    return { health: "failing", detail: error.message, ...numbers };
  if (error.code === "unimplemented") return { ...(await grpcHealth(instance, peers)), ...numbers };
  if (isAway(error)) return { health: "unreachable", detail: awayText(instance, error) };
  return { health: "failing", detail: error.message, ...numbers };
}

/** Of who is no Go Micro service. */
async function grpcHealth(instance: Instance, peers: Peers): Promise<Told> {
  const { reply, error } = await outcome(
    peers.ask(instance, { service: "grpc.health.v1.Health", method: "Check" }),
  );
  if (error !== undefined) return { health: "silent", detail: "it tells nothing of its health" };
  return reply.status === "SERVING" ? { health: "ok" } : { health: "failing", detail: String(reply.status) };
}

export function isAway({ code }: MicrorunError): boolean {
  return code === "unavailable" || code === "deadline_exceeded";
}

/** Pods have addresses of their cluster. */
export function awayText({ namespace }: Instance, error: unknown): string {
  const why = `not reached from here: ${errorText(error)}`;
  return namespace === undefined ? why : `${why}; Pods answer within their cluster: run the dashboard there`;
}

async function outcome<T>(work: Promise<T>): Promise<{ reply?: T; error?: MicrorunError }> {
  try {
    return { reply: await work };
  } catch (error) {
    return { error: MicrorunError.from(error) };
  }
}

/** One answer for all who ask within a short while. */
function shared<T>(ask: () => Promise<T>): () => Promise<T> {
  let last: { readonly at: number; readonly answer: Promise<T> } | undefined;
  return () => {
    if (last !== undefined && Date.now() - last.at < freshMs) return last.answer;
    const one = { at: Date.now(), answer: ask() };
    last = one;
    one.answer.catch(() => {
      if (last === one) last = undefined;
    });
    return one.answer;
  };
}
