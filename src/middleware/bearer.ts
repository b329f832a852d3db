/** `jwt`: who calls, by the bearer token that they bring; handlers find its claims in their context. */
import type { Claims } from "../call.ts";
import { MicrorunError, usageError } from "../errors.ts";
import { changedCall } from "./changed-call.ts";
import type { VerifyToken } from "./jwt.ts";
import { keyOf } from "./jwt-key.ts";
import { live } from "./live.ts";
import { byMethod } from "./method-names.ts";
import type { Layer, Live, WebVisit } from "./middleware.ts";
import { type Kinds, kinds } from "./option-kinds.ts";
import { rememberTokens } from "./seen-tokens.ts";

/** One of `secret`, `publicKey` and `jwksUrl`: who signs, and thereby how. */
export interface BearerOptions {
  /** Shared with the signer: HS256, HS384, HS512. At least 32 bytes. */
  readonly secret?: string | Uint8Array;
  /** A PEM text: a public key, or a certificate. RS*, PS*, ES* or EdDSA, as the key is. */
  readonly publicKey?: string;
  /** Where the signer publishes its keys (RFC 7517). They are kept, and asked for again where one is not known. */
  readonly jwksUrl?: string;
  /** What `iss` must be. @default any */
  readonly issuer?: string;
  /** One of these must be among `aud`. @default any */
  readonly audience?: string | readonly string[];
  /** Those that are taken, of those that the key could make. @default all of them; `none` never */
  readonly algorithms?: readonly string[];
  /** How far clocks may be apart, in seconds. @default 5 */
  readonly toleranceSeconds?: number;
  /** How old a token may be by its `iat`, in seconds: it need not have an end (`exp`) then. @default as old as its end says */
  readonly maxAgeSeconds?: number;
  /**
   * What needs no token: methods (`Greeter.Hello`, `Greeter.*`), and paths of `fetch` (`/login`, `/assets/*`). One that holds still
   * gives its claims. @default nothing
   */
  readonly except?: readonly string[];
}

const table: Kinds<BearerOptions> = {
  secret: kinds.textOrBytes,
  publicKey: kinds.text,
  jwksUrl: kinds.text,
  issuer: kinds.text,
  audience: kinds.textOrTexts,
  algorithms: kinds.texts,
  toleranceSeconds: kinds.seconds,
  maxAgeSeconds: kinds.seconds,
  except: kinds.texts,
};

/** Calls without a token that holds are `unauthenticated`, over HTTP 401. */
export function jwt(options: Live<BearerOptions>): Layer {
  const held = live("jwt", table, options, (given, around) => {
    const except = given.except ?? [];
    const paths = except.filter((one) => one.startsWith("/"));
    const names = except.filter((one) => !one.startsWith("/"));
    return {
      ...verifierOf(given),
      free: byMethod(Object.fromEntries(names.map((name) => [name, true])), around?.methods),
      freePath: isAmong(paths),
    };
  });
  const layer: Layer = (next, around) => {
    held(around);
    return async (call) => {
      const { verify, free } = held(around);
      const claims = await claimsOf(call.metadata, verify, free(call) ?? false).catch((error: unknown) => {
        call.reply?.header.set("www-authenticate", "Bearer");
        throw error;
      });
      return next(claims === undefined ? call : changedCall(call, { claims }));
    };
  };
  const web: Layer["web"] = (next, around) => async (visit) => {
    const { verify, freePath } = held(around);
    const claims = await claimsOf(visit.request.headers, verify, freePath(visit));
    return next(claims === undefined ? visit : { ...visit, claims });
  };
  const ready: Layer["ready"] = (around) => held(around).loaded;
  return Object.assign(layer, { web, ready });
}

async function claimsOf(headers: Headers, verify: VerifyToken, free: boolean): Promise<Claims | undefined> {
  try {
    return await verify(tokenIn(headers.get("authorization")));
  } catch (error) {
    if (free) return undefined;
    throw error;
  }
}

function tokenIn(authorization: string | null): string {
  const [, token] = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization ?? "") ?? [];
  if (token !== undefined) return token;
  const why = authorization === null ? "a token is needed" : "the authorization is no bearer token";
  throw new MicrorunError("unauthenticated", why);
}

interface Verifier {
  readonly verify: VerifyToken;
  readonly loaded: Promise<unknown>;
}

/** What cannot hold is told now; the library that checks tokens is loaded once it is known to be needed. */
function verifierOf({ secret, audience, except: _, ...rest }: BearerOptions): Verifier {
  const rules = {
    ...rest,
    ...(secret === undefined ? {} : { secret: typeof secret === "string" ? Buffer.from(secret) : secret }),
    ...(audience === undefined ? {} : { audience: [audience].flat() as readonly string[] }),
  };
  keyOf(rules);
  const loading = import("./jwt.ts").then(({ jwtVerifier }) => rememberTokens(jwtVerifier(rules), rest));
  loading.catch(() => {});
  return { verify: async (token) => (await loading)(token), loaded: loading };
}

/** `/assets/*`: what is below, however it is written. */
function isAmong(paths: readonly string[]): (visit: WebVisit) => boolean {
  const exact = new Set(paths.filter((path) => !path.endsWith("/*")));
  const below = paths.filter((path) => path.endsWith("/*")).map((path) => path.slice(0, -1));
  const odd = paths.find((path) => path.slice(0, -1).includes("*") || /[?#]/.test(path));
  if (odd !== undefined)
    throw usageError(`except: ${odd}: not a path`, "write it as /login, or as /assets/*");
  if (paths.length === 0) return () => false;
  return ({ request }) => {
    const { pathname } = new URL(request.url);
    // what might be read as another path by whoever answers is not free
    if (/%|\\|\/\//.test(pathname)) return false;
    return exact.has(pathname) || below.some((start) => pathname.startsWith(start));
  };
}
