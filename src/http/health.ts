/** Health over HTTP: Kubernetes' three probes, in the API server's own text, and the old Go Micro sidecar's `/health`. */
import type { CheckResult, Health, Probe } from "../health/health.ts";

const probes: Readonly<Record<string, Probe>> = {
  "/livez": "live",
  "/readyz": "ready",
  "/startupz": "startup",
};

export const healthPaths: readonly string[] = ["/health", ...Object.keys(probes)];

export async function serveHealth(health: Health, request: Request, path: string): Promise<Response> {
  const probe = probes[path];
  const allow = probe === undefined ? "GET, HEAD, POST" : "GET, HEAD";
  if (!allow.split(", ").includes(request.method)) return text(405, `${path}: ask by ${allow}\n`, { allow });
  if (probe === undefined) {
    const results = await Promise.all([health.run("live"), health.run("ready")]);
    return results.flat().every(({ ok }) => ok) ? text(200, "OK") : text(500, "NOT_HEALTHY");
  }
  const query = new URL(request.url).searchParams;
  const excluded = new Set(query.getAll("exclude").flatMap((names) => names.split(",")));
  const results = await health.run(probe, excluded);
  const ok = results.every((result) => result.ok);
  const name = path.slice(1);
  if (ok && !query.has("verbose")) return text(200, "ok");
  return text(ok ? 200 : 503, `${results.map(line).join("")}${name} check ${ok ? "passed" : "failed"}\n`);
}

/** Anyone may ask: the reason is in the log. */
function line({ name, ok, note }: CheckResult): string {
  return ok ? `[+]${name} ok${note ? `: ${note}` : ""}\n` : `[-]${name} failed: reason withheld\n`;
}

function text(status: number, body: string, headers: Record<string, string> = {}): Response {
  return new Response(body, {
    status,
    headers: {
      "content-type": "text/plain; charset=utf-8",
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      ...headers,
    },
  });
}
