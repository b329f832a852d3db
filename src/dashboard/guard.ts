/** Who may look and call: this machine's user through a browser's own page, never a page of somewhere else. */
import { timingSafeEqual } from "node:crypto";
import { isIP } from "node:net";
import { hostname } from "node:os";

export interface GuardOptions {
  /** As it was told to listen: a name or an address; empty: all interfaces. */
  readonly host: string;
  /** What a page brings along with whatever changes something. */
  readonly pageToken: string;
  /** What everyone has to bring who is not on this machine. @default nobody else can come */
  readonly accessToken?: string;
}

/** An answer to who may not; undefined: go on. */
export type Guard = (request: Request) => Response | undefined;

export const pageTokenField = "x-dashboard-token";
const cookieName = "microrun-dashboard";

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

/** Of an address to listen on. */
export function isLoopback(host: string): boolean {
  return loopback.test(host.includes(":") ? `[${host}]` : host);
}

export function createGuard({ host, pageToken, accessToken }: GuardOptions): Guard {
  const mayAsk = (name: string): boolean => {
    if (loopback.test(name) || (host !== "" && name === bracketed(host))) return true;
    // by an address no foreign name can lead here
    return accessToken !== undefined && (isIP(name.replace(/^\[|\]$/g, "")) > 0 || name === hostname());
  };
  return (request) => {
    const { method, headers } = request;
    const [, name = ""] =
      /^(\[[^\]]*\]|[^:]*)(?::\d+)?$/.exec((headers.get("host") ?? "").toLowerCase()) ?? [];
    if (!mayAsk(name))
      return refusal(403, `the dashboard is not known as ${JSON.stringify(name.slice(0, 100))}`);
    if (!["GET", "HEAD", "POST"].includes(method)) return refusal(405, `${method}: not known here`);
    const site = headers.get("sec-fetch-site");
    const isVisit = method !== "POST" && headers.get("sec-fetch-mode") === "navigate";
    if (site !== null && site !== "same-origin" && site !== "none" && !isVisit)
      return refusal(403, "asked by a page of another origin");
    const origin = headers.get("origin");
    if (origin !== null && !isSameHost(origin, headers.get("host") ?? ""))
      return refusal(403, "asked by a page of another origin");
    if (accessToken !== undefined) {
      const refused = withoutAccess(request, accessToken);
      if (refused !== undefined) return refused;
    }
    if (method !== "POST") return undefined;
    if (!isEqual(headers.get(pageTokenField) ?? "", pageToken))
      return refusal(403, "the page is out of date: load it again");
    if (!/^application\/json\b/.test(headers.get("content-type") ?? ""))
      return refusal(415, "not application/json");
    return undefined;
  };
}

/** Brought once in the URL, then by a cookie. */
function withoutAccess(request: Request, token: string): Response | undefined {
  const url = new URL(request.url);
  const brought = url.searchParams.get("token");
  if (brought !== null && isEqual(brought, token)) {
    url.searchParams.delete("token");
    const cookie = `${cookieName}=${token}; HttpOnly; SameSite=Strict; Path=/`;
    return new Response(null, {
      status: 303,
      headers: { location: `${url.pathname}${url.search}`, "set-cookie": cookie },
    });
  }
  const cookies = (request.headers.get("cookie") ?? "").split(/;\s*/);
  const own = cookies.find((one) => one.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1) ?? "";
  return isEqual(own, token)
    ? undefined
    : refusal(401, "open the URL that the dashboard printed: it has the token");
}

/** What every answer says to browsers: nothing of other origins, no frames, no inline scripts. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

function refusal(status: number, why: string): Response {
  return new Response(`${why}\n`, { status, headers: { "content-type": "text/plain; charset=utf-8" } });
}

function isSameHost(origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase().replace(/:80$/, "");
}

function bracketed(host: string): string {
  return (host.includes(":") ? `[${host}]` : host).toLowerCase();
}

function isEqual(given: string, wanted: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(wanted)];
  return a.length === b.length && timingSafeEqual(a, b);
}
