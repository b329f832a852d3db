/** One look at the API server: its version, its clock, and what we log in by. */
import { X509Certificate } from "node:crypto";
import { apiError, networkError } from "../api/api-error.ts";
import type { ClusterOptions } from "../api/cluster.ts";
import { findAccess } from "../api/find-access.ts";
import { hostFetch } from "../api/host-fetch.ts";
import { withoutPassword } from "../api/proxy.ts";

export interface ApiVisit {
  /** `v1.36.3`; undefined: it does not tell us. */
  readonly version?: string;
  /** How long it took to connect and to be answered. */
  readonly ms: number;
  readonly security: "trusted" | "unchecked" | "cleartext";
  /** How far its clock is before ours, in ms. Undefined: it told no time. */
  readonly skewMs?: number;
  /** What we log in by, and when that ends, in ms since the epoch. Undefined: by nothing. */
  readonly credential?: { readonly kind: "token" | "certificate" | "password"; readonly expires?: number };
}

/** @throws MicrorunError as `Cluster.request` does */
export async function visitApi(options: Omit<ClusterOptions, "log">, signal: AbortSignal): Promise<ApiVisit> {
  const { kubeconfig, context, server, serviceAccountFolder, env } = options;
  const access = await findAccess({ kubeconfig, context, server, serviceAccountFolder, env, signal });
  const { route, headers } = await access.approach();
  using send = hostFetch();
  const began = Date.now();
  const ticks = performance.now();
  const init = { headers: { accept: "application/json", ...headers }, redirect: "manual", signal } as const;
  const response = await send(`${access.server}/version`, init, route).catch((error) => {
    throw networkError(error, access.server, route.proxy && withoutPassword(route.proxy));
  });
  const answer = jsonOf(await response.text());
  const ms = performance.now() - ticks;
  if (!response.ok && response.status !== 403) throw apiError(response.status, answer, "GET /version");
  const { gitVersion } = (answer ?? {}) as { gitVersion?: unknown };
  const date = Date.parse(response.headers.get("date") ?? "");
  const credential = credentialOf(headers.authorization, route.cert);
  return {
    ms,
    security: access.server.startsWith("http:") ? "cleartext" : route.insecure ? "unchecked" : "trusted",
    ...(typeof gitVersion === "string" ? { version: gitVersion } : {}),
    // it tells whole seconds, some time between our question and its answer
    ...(Number.isNaN(date) ? {} : { skewMs: date + 500 - (began + ms / 2) }),
    ...(credential === undefined ? {} : { credential }),
  };
}

/** @param authorization the header @param cert PEM, of the client */
export function credentialOf(
  authorization: string | undefined,
  cert: string | undefined,
): ApiVisit["credential"] {
  const token = /^Bearer (\S+)/.exec(authorization ?? "")?.[1];
  if (token !== undefined) {
    const { exp } = (jsonOf(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) ?? {}) as {
      exp?: unknown;
    };
    return { kind: "token", ...(typeof exp === "number" ? { expires: exp * 1000 } : {}) };
  }
  if (authorization !== undefined) return { kind: "password" };
  return cert === undefined
    ? undefined
    : { kind: "certificate", expires: Date.parse(new X509Certificate(cert).validTo) };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
