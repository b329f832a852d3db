/** Ports for services: those asked for, else free ones; a service keeps its own for as long as the project runs. */
import { createServer } from "node:net";
import { MicrorunError } from "../errors.ts";
import type { Instance } from "./dev.ts";

/** How many ports are tried for one service. */
const maxTries = 100;
const maxPort = 65_535;

/** Whether a port is free; of 0 one that is. Undefined: it is in use. */
export type Claim = (port: number) => Promise<number | undefined>;

interface Own {
  /** 0: any. */
  readonly asked: number;
  readonly port: number;
}

/** Asked with all instances, again and again. @throws MicrorunError `already_exists` for a port that was asked for and is in use */
export type Ports = (instances: readonly Instance[]) => Promise<ReadonlyMap<string, number>>;

/** @param base the first port of those that are not asked for. @default any */
export function createPorts(base: number | undefined, claim: Claim = claimOnLoopback): Ports {
  let known: ReadonlyMap<string, Own> = new Map();

  return async (instances) => {
    const wanted = instances.flatMap(({ label, port }) =>
      port === undefined ? [] : [{ label, asked: port }],
    );
    const next = new Map<string, Own>();
    const isOurs = (port: number): boolean => [...known.values()].some((one) => one.port === port);
    const isTaken = (port: number): boolean =>
      isOurs(port) || [...next.values()].some((one) => one.port === port);

    // those that were asked for, and those that are had already, are given to nobody else
    for (const { label, asked } of wanted) {
      const had = known.get(label);
      if (had?.asked === asked) next.set(label, had);
      else if (asked !== 0) {
        // of ours, whoever has it is stopped first
        if (!isOurs(asked) && (await claim(asked)) === undefined) throw inUse(label, asked);
        next.set(label, { asked, port: asked });
      }
    }
    for (const { label, asked } of wanted)
      if (!next.has(label)) next.set(label, { asked, port: await freePort(label, isTaken) });
    known = next;
    return new Map([...next].map(([label, { port }]) => [label, port]));
  };

  async function freePort(label: string, isTaken: (port: number) => boolean): Promise<number> {
    for (let tries = 0; tries < maxTries; tries++) {
      const wanted = base === undefined ? 0 : base + tries;
      const port = isTaken(wanted) || wanted > maxPort ? undefined : await claim(wanted);
      if (port !== undefined && !isTaken(port)) return port;
    }
    throw new MicrorunError("resource_exhausted", `no free port for ${label}`, {
      hint: "choose another --port_base",
    });
  }
}

function inUse(label: string, port: number): MicrorunError {
  return new MicrorunError("already_exists", `port ${port} of ${label}: in use`, {
    hint: "stop what listens there, or choose another",
  });
}

async function claimOnLoopback(port: number): Promise<number | undefined> {
  const { promise, resolve } = Promise.withResolvers<number | undefined>();
  const server = createServer((socket) => socket.destroy());
  server.once("error", () => resolve(undefined));
  server.listen({ port, host: "127.0.0.1", exclusive: true }, () =>
    resolve((server.address() as { port: number }).port),
  );
  const claimed = await promise;
  if (claimed !== undefined) await new Promise((closed) => server.close(closed));
  return claimed;
}
