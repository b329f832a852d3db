/** Which method a call means, and how its messages travel: by `.proto` files, else by reflection, else JSON. */
import { jsonMethod, type Method } from "../../call.ts";
import type { CallOptions, Client } from "../../client/client.ts";
import { didYouMean, usageError } from "../../errors.ts";
import { learnedMethod } from "../../learned-method.ts";
import { grpc } from "../../plugins.ts";

export interface Names {
  /** As in the path: `greeter.Greeter`. */
  readonly service: string;
  readonly method: string;
}

export interface CallType {
  readonly method: Method;
  /** Known, or asked for, to stream. */
  readonly streams: boolean;
}

export interface TypeOptions {
  /** Files that describe the service. */
  readonly proto: readonly string[];
  /** A stream of requests is wanted. */
  readonly stream: boolean;
  readonly client: Client;
  /** As the client finds it. */
  readonly service: string;
  readonly options: CallOptions & { readonly timeoutMs: number };
}

/** @throws MicrorunError `invalid_argument` where the `.proto` files or the line are wrong, else as the callee fails */
export async function callType(names: Names, options: TypeOptions): Promise<CallType> {
  const { proto, stream } = options;
  const method =
    proto.length > 0
      ? await fromFiles(names, proto)
      : await learnedMethod(options.client, options.service, names, options.options);
  if (method === undefined) {
    // a reply that does not stream is a stream of one
    const streams = { requestStream: stream, responseStream: true };
    return { method: jsonMethod(names.service, names.method, streams), streams: stream };
  }
  if (stream && !method.requestStream) {
    throw usageError(`--stream: ${method.service}.${method.name} takes one request`, "leave --stream out");
  }
  return { method, streams: method.requestStream || method.responseStream };
}

async function fromFiles({ service, method }: Names, files: readonly string[]): Promise<Method> {
  const { services } = await (await grpc.schema()).loadSchema(files);
  const known = [...services.keys()];
  const alike = known.filter((name) => last(name) === last(service));
  const found = services.has(service) ? service : alike.length === 1 ? alike[0]! : undefined;
  if (found === undefined) {
    const near = didYouMean(last(service), known.map(last));
    throw usageError(`--proto: there is no service ${service}${near}`, `use one of ${known.join(", ")}`);
  }
  const methods = services.get(found)!;
  const meant = methods.find(({ name }) => name === method);
  if (meant !== undefined) return meant;
  const names = methods.map(({ name }) => name);
  throw usageError(
    `--proto: ${found} has no method ${method}${didYouMean(method, names)}`,
    `use one of ${names.join(", ")}`,
  );
}

function last(name: string): string {
  return name.slice(name.lastIndexOf(".") + 1);
}

/** A path alone, `greeter.Greeter/Hello`, names its service by its package. */
export function spelledOut(words: readonly string[]): readonly string[] {
  const [path = ""] = words;
  const [, service] = /^\/?([^/]+)\/[^/]+$/.exec(path) ?? [];
  return service === undefined ? words : [service.replace(/\.[^.]*$/, ""), ...words];
}

/** `Greeter.Hello` of `greeter` is `/greeter.Greeter/Hello` (go-micro v2's rule); `a.b.Greeter.Hello` is `/a.b.Greeter/Hello`. */
export function nameParts(service: string, endpoint: string): Names {
  const dotted = endpoint.replace(/^\//, "").replace("/", ".");
  const dot = dotted.lastIndexOf(".");
  if (dot <= 0 || dot === dotted.length - 1) {
    throw usageError(`endpoint ${endpoint}: not of the form Service.Method`, "write it as Greeter.Hello");
  }
  const owner = dotted.slice(0, dot);
  return { service: owner.includes(".") ? owner : `${service}.${owner}`, method: dotted.slice(dot + 1) };
}
