/** Which service and endpoint a path means, by Go Micro's table. */
import { parseServiceName } from "../service-name.ts";

export interface RpcTarget {
  /** With its namespace. */
  readonly service: string;
  /** `Greeter.Hello` */
  readonly endpoint: string;
}

/** Of a service's name: no host's, no port. */
const servicePart = /^[a-z\d_]([\w.-]*[a-z\d_])?$/i;
/** Words between dashes. */
const endpointPart = /^[a-z]\w*(-\w+)*$/i;
/** Longer names no registry has. */
const maxServiceLength = 253;

/**
 * `/greeter/hello`: `Greeter.Hello` of greeter; `/foo/bar/zool`: `Bar.Zool` of foo; `/a/b/c/d`: `C.D` of a.b; `/v1/foo/bar`:
 * `Foo.Bar` of v1.foo; `/foo`: `Foo.Call` of foo; `say-hello`: `SayHello`.
 * @param path decoded
 * @returns undefined for a path that names none
 */
export function rpcTarget(path: string, namespace: string): RpcTarget | undefined {
  const parts = path.replace(/^\/|\/$/g, "").split("/");
  const [first = "", second = "", third = ""] = parts;
  if (parts.length === 1) return target([first], first, "call", namespace);
  if (parts.length === 2) return target([first], first, second, namespace);
  if (parts.length === 3 && /^v\d+$/i.test(first)) return target([first, second], second, third, namespace);
  const [struct = "", method = ""] = parts.slice(-2);
  return target(parts.slice(0, -2), struct, method, namespace);
}

function target(
  names: readonly string[],
  struct: string,
  method: string,
  namespace: string,
): RpcTarget | undefined {
  const service = names.join(".");
  if (!names.every((name) => isServiceName(name)) || !isServiceName(service)) return undefined;
  if (!endpointPart.test(struct) || !endpointPart.test(method)) return undefined;
  return {
    service: withNamespace(service, namespace),
    endpoint: `${title(struct)}.${title(method)}`,
  };
}

export function withNamespace(service: string, namespace: string): string {
  return namespace === "" ? service : `${namespace}.${service}`;
}

/** Nobody outside may name a host to call. */
export function isServiceName(name: string): boolean {
  return (
    name.length <= maxServiceLength &&
    servicePart.test(name) &&
    !name.includes("..") &&
    parseServiceName(name).host === undefined
  );
}

function title(part: string): string {
  return part
    .split("-")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
