/** What callers' endpoints come to, worked out once for each: the method, and how its messages travel. */
import { jsonMethod, type MessageType, type Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { isStream } from "../iteration.ts";
import type { Asked } from "./asked.ts";
import { type Methods, nameParts, remembered } from "./methods.ts";

/** @throws MicrorunError `invalid_argument` for a request that is none of the method's */
export type Routes = (asked: Asked) => Method;

export function createRoutes(methods: Methods | undefined): Routes {
  /** Of endpoints that no `.proto` tells of: JSON, of each kind. */
  const unknown = remembered((service, endpoint) => {
    const { service: name, method } = nameParts(service, endpoint);
    const kind = (requestStream: boolean, responseStream: boolean): Method =>
      jsonMethod(name, method, { requestStream, responseStream });
    return {
      unary: jsonMethod(name, method),
      up: kind(true, false),
      down: inJson(kind(false, true)),
      both: inJson(kind(true, true)),
    };
  });
  const known = new WeakMap<Method, Method>();
  const knownIn = (method: Method): Method => {
    let made = known.get(method);
    if (made === undefined) {
      made = inJson(method);
      known.set(method, made);
    }
    return made;
  };

  return (asked) => {
    const { service, endpoint, request, how, stream } = asked;
    const kinds = unknown(service, endpoint);
    const method = how.type ?? methods?.(service, endpoint);
    if (method !== undefined) {
      check(asked, method);
      return knownIn(method);
    }
    if (isStream(request)) return stream ? kinds.both : kinds.up;
    return stream ? kinds.down : kinds.unary;
  };
}

function check({ service, endpoint, request, stream }: Asked, method: Method): void {
  const refuse = (why: string, hint: string): never => {
    throw new MicrorunError("invalid_argument", `${service} ${endpoint}: ${why}`, { hint });
  };
  if (!stream && method.responseStream) refuse("its replies are a stream", "read them with client.stream");
  if (method.requestStream && !isStream(request) && !isList(request))
    refuse("its requests are a stream", "give it an async iterable");
  if (!method.requestStream && isStream(request))
    refuse("it takes one request, not a stream of them", "send them one by one");
}

/** The same values whatever travels: its replies come as JSON has them. */
function inJson(method: Method): Method {
  const { decode, decodeJson, fromJson, toJson } = method.response;
  const response: MessageType = {
    ...method.response,
    ...(decode === undefined
      ? {}
      : { decode: decodeJson ?? ((...bytes: Parameters<typeof decode>) => toJson(decode(...bytes))) }),
    fromJson: (json) => toJson(fromJson(json)),
    toJson: (value) => value,
  };
  return { ...method, response };
}

function isList(value: unknown): boolean {
  return typeof value === "object" && value !== null && Symbol.iterator in value;
}
