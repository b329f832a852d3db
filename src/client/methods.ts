/** Endpoints as callers name them, and the methods of `.proto` files that they are. */
import type { Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { parseServiceName } from "../service-name.ts";

/** Which method an endpoint of a service is, where a `.proto` says so. */
export type Methods = (service: string, endpoint: string) => Method | undefined;

export interface Names {
  readonly service: string;
  readonly method: string;
}

/** Endpoints whose meaning is remembered; there are hardly ever as many. */
const maxRemembered = 1000;

/** What a path may hold between its slashes: HTTP/2 carries no other text. */
const sendable = /^[!-.0-~]+$/;

/**
 * `Greeter.Hello` asked of `greeter` is `/greeter.Greeter/Hello` (go-micro v2's rule, which is also the full protobuf
 * name where the service is called as its package); `a.b.Greeter.Hello` is `/a.b.Greeter/Hello`.
 * @throws MicrorunError `invalid_argument`
 */
export function nameParts(service: string, endpoint: string): Names {
  mustBeText("service", service, "name it: greeter");
  mustBeText("endpoint", endpoint, "write it as Greeter.Hello");
  const dot = endpoint.lastIndexOf(".");
  if (dot <= 0 || dot === endpoint.length - 1) {
    throw new MicrorunError("invalid_argument", `endpoint ${endpoint}: not of the form Service.Method`, {
      hint: "write it as Greeter.Hello",
    });
  }
  const owner = endpoint.slice(0, dot);
  const isWhole = owner.includes(".") || parseServiceName(service).host !== undefined;
  const full = isWhole ? owner : `${service}.${owner}`;
  if (!sendable.test(full) || !sendable.test(endpoint)) {
    const asked = JSON.stringify(`${service} ${endpoint}`);
    throw new MicrorunError("invalid_argument", `${asked}: its name holds more than a path may`, {
      hint: "use letters, digits, dots, dashes and underscores",
    });
  }
  return { service: full, method: endpoint.slice(dot + 1) };
}

function mustBeText(what: string, value: unknown, hint: string): void {
  if (typeof value === "string" && value !== "") return;
  const why = value === "" || value === undefined ? "missing" : `not a text, but ${typeof value}`;
  throw new MicrorunError("invalid_argument", `${what}: ${why}`, { hint });
}

/**
 * By full name (`pb.Greeter.Hello`, or `Greeter.Hello` of a service called as the package); a short endpoint also by the
 * service's last segment, where only one service ends so.
 */
export function methodsOf(services: ReadonlyMap<string, readonly Method[]>): Methods {
  return remembered((service, endpoint) => {
    const names = nameParts(service, endpoint);
    const method = (name: string): Method | undefined =>
      services.get(name)?.find((one) => one.name === names.method);
    const owner = endpoint.slice(0, endpoint.lastIndexOf("."));
    if (services.has(names.service)) return method(names.service);
    if (services.has(owner)) return method(owner);
    if (owner.includes(".")) return undefined;
    const alike = [...services.keys()].filter((name) => name.endsWith(`.${owner}`));
    return alike.length === 1 ? method(alike[0]!) : undefined;
  });
}

/** The same, worked out once for each endpoint. What throws is not remembered. */
export function remembered<T>(
  work: (service: string, endpoint: string) => T,
): (service: string, endpoint: string) => T {
  const known = new Map<string, Map<string, T>>();
  let count = 0;
  return (service, endpoint) => {
    const before = known.get(service);
    const found = before?.get(endpoint);
    if (found !== undefined || before?.has(endpoint)) return found as T;
    const made = work(service, endpoint);
    if (count++ >= maxRemembered) {
      known.clear();
      count = 1;
    }
    const endpoints = known.get(service) ?? new Map<string, T>();
    known.set(service, endpoints.set(endpoint, made));
    return made;
  };
}
