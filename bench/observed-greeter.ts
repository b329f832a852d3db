/** The greeter as a service that observes its calls has it: a middleware reads metadata, counts, and sets header and trailer. */
import greeter from "./greeter.ts";

export { proto } from "./greeter.ts";

interface Context {
  readonly method: { readonly service: string; readonly name: string };
  readonly metadata: Headers;
  readonly header: Headers;
  readonly trailer: Headers;
}

type Handler = (request: { readonly name: string }, context: Context) => Promise<unknown>;

/** Calls by method, as a metrics library counts them. */
const counts = new Map<string, number>();

const observed =
  (next: Handler): Handler =>
  async (request, context) => {
    const began = performance.now();
    const label = `${context.method.service}/${context.method.name}`;
    const traced = context.metadata.has("traceparent") && context.metadata.has("authorization");
    context.header.set("x-request-id", context.metadata.get("x-request-id") ?? "none");
    try {
      return await next(request, context);
    } finally {
      counts.set(label, (counts.get(label) ?? 0) + (traced ? 1 : 0));
      context.trailer.set("server-timing", `handler;dur=${(performance.now() - began).toFixed(1)}`);
    }
  };

const hello = observed(greeter.Greeter.Hello);

export default { Greeter: { Hello: hello as Handler } };
