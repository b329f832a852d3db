/** A bearer token from the server that a registry names (distribution's token and OAuth 2 specifications). */
import { MicrorunError } from "../errors.ts";
import { readBounded } from "./body.ts";
import type { Credentials } from "./credentials-file.ts";

export interface Token {
  readonly text: string;
  /** In ms since the epoch. */
  readonly expires: number;
}

export interface TokenRequest {
  readonly realm: string;
  readonly service: string | undefined;
  /** `repository:team/greeter:pull,push` */
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
  /** For messages, and for the hint to log in. */
  readonly registry: string;
}

export type TokenFetch = (url: URL, init: RequestInit) => Promise<Response>;

/** What the specification lets a server leave out, in seconds. */
const defaultLifeSeconds = 60;
/** A token is not used any more that long before its end, in ms. */
const expirySlackMs = 10_000;
const maxTokenBytes = 1024 * 1024;
const clientId = "microrun";

/** @throws MicrorunError `unauthenticated` where it refuses */
export async function fetchToken(
  send: TokenFetch,
  request: TokenRequest,
  now: number = Date.now(),
): Promise<Token> {
  const { realm, registry } = request;
  if (!URL.canParse(realm)) throw refused(registry, `it names ${JSON.stringify(realm)} as its token server`);
  const response = await send(...asked(request));
  const text = await readBounded(response, maxTokenBytes);
  if (!response.ok) throw refused(registry, `its token server answers ${response.status}`, response.status);
  let answer: { token?: unknown; access_token?: unknown; expires_in?: unknown };
  try {
    answer = JSON.parse(new TextDecoder().decode(text)) ?? {};
  } catch {
    throw refused(registry, "its token server gives no JSON");
  }
  const token = answer.token || answer.access_token;
  if (typeof token !== "string") throw refused(registry, "its token server gives no token");
  const seconds = Number(answer.expires_in) > 0 ? Number(answer.expires_in) : defaultLifeSeconds;
  const lifeMs = seconds * 1000;
  return { text: token, expires: now + Math.max(lifeMs - expirySlackMs, lifeMs / 2) };
}

function asked({ realm, service, scopes, credentials }: TokenRequest): [url: URL, init: RequestInit] {
  const url = new URL(realm);
  if (credentials?.identityToken !== undefined) {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      ...(service === undefined ? {} : { service }),
      client_id: clientId,
      scope: scopes.join(" "),
      refresh_token: credentials.identityToken,
    });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    return [url, { method: "POST", headers, body: form.toString() }];
  }
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const basic = basicHeader(credentials);
  return [url, { headers: basic === undefined ? {} : { authorization: basic } }];
}

export function basicHeader(credentials: Credentials | undefined): string | undefined {
  if (credentials?.username === undefined || credentials.password === undefined) return undefined;
  const pair = `${credentials.username}:${credentials.password}`;
  return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
}

function refused(registry: string, why: string, status = 0): MicrorunError {
  const isBusy = status === 429 || status >= 500;
  return new MicrorunError(
    isBusy ? "unavailable" : "unauthenticated",
    `cannot log in to ${registry}: ${why}`,
    {
      ...(isBusy ? { reason: "BUSY" } : {}),
      hint: isBusy ? "try again later" : `log in with the right account: docker login ${registry}`,
    },
  );
}
