/** A token server for registries: JWTs by distribution's specification, and what it was asked. */
import { randomUUID, sign, X509Certificate } from "node:crypto";
import type { Pair } from "./certificate.ts";
import { tokenIssuer, tokenService } from "./oci-registry.ts";

export interface TokenAsked {
  readonly method: string;
  readonly scopes: readonly string[];
  readonly authorization: string | null;
  readonly refreshToken: string | null;
}

export interface TokenServer extends AsyncDisposable {
  readonly realm: string;
  readonly asked: readonly TokenAsked[];
}

export interface TokenServerOptions {
  readonly signer: Pair;
  readonly user: string;
  readonly password: string;
  readonly refreshToken: string;
  /** What the tokens say that they last, in seconds. @default 300 */
  readonly expiresIn?: number;
}

export function tokenServer(options: TokenServerOptions): TokenServer {
  const { signer, user, password, refreshToken, expiresIn = 300 } = options;
  const asked: TokenAsked[] = [];
  const basic = `Basic ${btoa(`${user}:${password}`)}`;
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: async (request) => {
      const given =
        request.method === "POST"
          ? new URLSearchParams(await request.text())
          : new URL(request.url).searchParams;
      const scopes = given.getAll("scope").flatMap((scope) => scope.split(" "));
      const authorization = request.headers.get("authorization");
      asked.push({ method: request.method, scopes, authorization, refreshToken: given.get("refresh_token") });
      if (given.get("service") !== tokenService) return new Response("service", { status: 400 });
      if (request.method === "POST" && given.get("refresh_token") !== refreshToken)
        return new Response("refused", { status: 401 });
      if (request.method === "GET" && authorization !== null && authorization !== basic)
        return new Response("refused", { status: 401 });
      // anonymous: anything may be pulled
      const isKnown = request.method === "POST" || authorization !== null;
      const access = scopes.map((scope) => {
        const [type, name, actions = ""] = scope.split(":");
        return { type, name, actions: actions.split(",").filter((action) => isKnown || action === "pull") };
      });
      const text = jwt(signer, { sub: isKnown ? user : "", access }, expiresIn);
      const answer = request.method === "POST" ? { access_token: text } : { token: text };
      return Response.json({ ...answer, expires_in: expiresIn, issued_at: new Date().toISOString() });
    },
  });
  return {
    realm: `http://127.0.0.1:${server.port}/token`,
    asked,
    async [Symbol.asyncDispose]() {
      await server.stop(true);
    },
  };
}

function jwt({ cert, key }: Pair, claims: object, expiresIn: number): string {
  const now = Math.floor(Date.now() / 1000);
  const header = { typ: "JWT", alg: "ES256", x5c: [new X509Certificate(cert).raw.toString("base64")] };
  const body = {
    iss: tokenIssuer,
    aud: tokenService,
    iat: now,
    nbf: now - 5,
    exp: now + expiresIn,
    jti: randomUUID(),
    ...claims,
  };
  const signed = [header, body]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return `${signed}.${sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}
