/** How we are logged in to one registry: nothing is sent until it asks, then what it asks for, renewed when it ends. */
import { parseChallenges } from "./challenge.ts";
import type { Credentials } from "./credentials-file.ts";
import { basicHeader, fetchToken, type Token, type TokenFetch } from "./token.ts";

export interface LoginOptions {
  readonly registry: string;
  /** What is going to be done: `repository:team/greeter:pull,push`. */
  readonly scopes: readonly string[];
  /** Asked once, when the registry first wants to know. */
  readonly credentials: () => Promise<Credentials | undefined>;
  /** To the token server. */
  readonly send: TokenFetch;
  /** @default Date.now */
  readonly now?: () => number;
}

export interface Login {
  /** Whether the registry wanted to know who we are, and somebody's login was there. */
  isKnown(): Promise<boolean>;
  /** The Authorization header of now. */
  header(): Promise<string | undefined>;
  /**
   * After a 401.
   * @param refused the header that was sent
   * @returns false: there is nothing better to send
   */
  renew(challenge: string, refused: string | undefined): Promise<boolean>;
}

interface TokenServer {
  readonly realm: string;
  readonly service: string | undefined;
}

export function registryLogin(options: LoginOptions): Login {
  const { registry, send, now = Date.now } = options;
  const scopes = new Set(options.scopes);
  let known: Promise<Credentials | undefined> | undefined;
  let scheme: { readonly basic: string } | TokenServer | undefined;
  let latest: Promise<Token> | undefined;

  const credentials = (): Promise<Credentials | undefined> => {
    known ??= options.credentials();
    return known;
  };
  const ask = (server: TokenServer): Promise<Token> => {
    const asked = credentials().then((who) =>
      fetchToken(send, { ...server, scopes: [...scopes], credentials: who, registry }, now()),
    );
    latest = asked;
    asked.catch(() => forget(asked));
    return asked;
  };
  const forget = (token: Promise<Token>): void => {
    if (latest === token) latest = undefined;
  };
  const token = async (server: TokenServer): Promise<Token> => {
    const had = latest;
    if (had !== undefined && now() < (await had).expires) return had;
    // of several that awaited an old one the first asks for the next
    return latest === undefined || latest === had ? ask(server) : latest;
  };
  const header = async (): Promise<string | undefined> => {
    const asked = scheme;
    if (asked === undefined) return undefined;
    if ("basic" in asked) return asked.basic;
    const given = (await credentials())?.registryToken;
    return `Bearer ${given ?? (await token(asked)).text}`;
  };

  return {
    isKnown: async () => (await known) !== undefined,
    header,
    renew: async (challenge, refused) => {
      const challenges = parseChallenges(challenge);
      const bearer = challenges.find((one) => one.scheme === "bearer")?.parameters;
      const realm = bearer?.get("realm");
      if (realm !== undefined) {
        for (const scope of bearer?.get("scope")?.split(" ") ?? []) {
          if (!isCovered(scope, scopes)) scopes.add(scope);
        }
        scheme = { realm, service: bearer?.get("service") };
        const had = latest;
        if (had !== undefined && `Bearer ${(await had).text}` === refused) forget(had);
        return (await header()) !== refused;
      }
      if (!challenges.some((one) => one.scheme === "basic")) return false;
      const basic = basicHeader(await credentials());
      if (basic === undefined || basic === refused) return false;
      scheme = { basic };
      return true;
    },
  };
}

/** What is asked for one request is mostly less than what we are going to do. */
function isCovered(scope: string, scopes: ReadonlySet<string>): boolean {
  const [, name, wanted = ""] = /^(.*):([^:]*)$/.exec(scope) ?? [];
  return [...scopes].some((had) => {
    const actions = had.slice(had.lastIndexOf(":") + 1).split(",");
    return had.startsWith(`${name}:`) && wanted.split(",").every((action) => actions.includes(action));
  });
}
