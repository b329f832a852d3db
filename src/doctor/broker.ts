/** Whether what carries events can be reached. */
import { connected } from "./connection.ts";
import { type Check, type Finding, fail, ok, warn } from "./doctor.ts";

export interface NatsFacts {
  /** `host:port` */
  readonly servers: readonly string[];
  readonly stream: string | undefined;
  /** Something says who we are. */
  readonly login: boolean;
}

/** Undefined: events need no server. */
export function brokerCheck(nats: (() => Promise<NatsFacts>) | undefined): Check {
  return {
    name: "broker",
    async run(signal) {
      if (nats === undefined) return [];
      const facts = await nats();
      return Promise.all(
        facts.servers.map(async (server) => {
          const colon = server.lastIndexOf(":");
          const host = server.slice(0, colon).replace(/^\[|\]$/g, "");
          const { fault, said } = await connected(host, Number(server.slice(colon + 1)), {
            signal,
            saying: true,
          });
          return judgeNats(server, fault, said, facts);
        }),
      );
    },
  };
}

/** @param said a server's first line: `INFO {…}` */
export function judgeNats(
  server: string,
  fault: string | undefined,
  said: string,
  { stream, login }: NatsFacts,
): Finding {
  if (fault !== undefined)
    return fail(
      `nats://${server}: ${fault}`,
      "start the NATS server, or name it with --broker_address=nats://HOST:4222",
    );
  const info = infoOf(said);
  if (info === undefined)
    return fail(
      `${server}: what listens there is no NATS server`,
      "name a NATS server with --broker_address=nats://HOST:4222",
    );
  const what = `nats://${server}, version ${info.version ?? "unknown"}`;
  if (stream !== undefined && info.jetstream !== true)
    return fail(
      `${what}: it has no JetStream, which ?jetstream=${stream} needs`,
      "start the NATS server with --jetstream",
    );
  if (info.auth_required === true && !login)
    return fail(
      `${what}: it wants to know who we are`,
      "add a user to --broker_address, such as nats://USER:PASSWORD@HOST:4222 or ?creds=FILE",
    );
  if (info.tls_required === true) return ok(`${what}, TLS`);
  if (login) return warn(`${what}: in cleartext, so is how we log in`, "use TLS: tls://HOST:4222");
  return ok(what);
}

interface Info {
  readonly version?: string;
  readonly jetstream?: boolean;
  readonly auth_required?: boolean;
  readonly tls_required?: boolean;
}

function infoOf(said: string): Info | undefined {
  try {
    return said.startsWith("INFO ") ? JSON.parse(said.slice("INFO ".length).split("\n")[0]!) : undefined;
  } catch {
    return undefined;
  }
}
