/** What a path gets that nobody answers: the 404 names what is served. */
import type { Service } from "../service/service.ts";

/** How many calls are named. */
const maxNamed = 20;

export function notFound(request: Request, path: string, service: Service): Response {
  const calls = service.endpoints
    .filter(({ internal }) => !internal)
    .flatMap(({ method: { service, name, http = [] } }) =>
      http.length === 0 ? `POST /${service}/${name}` : http.map(({ verb, path }) => `${verb} ${path}`),
    );
  const named = calls.slice(0, maxNamed);
  const more = calls.length - named.length;
  if (/\bjson\b/.test(request.headers.get("accept") ?? "")) {
    const message = `${request.method} ${path}: nothing is served here`;
    return Response.json({ code: "not_found", message, served: named }, { status: 404 });
  }
  const rest = more > 0 ? [`and ${more} more`] : [];
  const served = named.length > 0 ? ["", `${service.name} serves:`, ...named, ...rest] : [];
  return new Response(`${["404 page not found", ...served].join("\n")}\n`, {
    status: 404,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
  });
}
