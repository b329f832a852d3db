/** Lines to copy once a service listens: they call it. */
import type { Method } from "../call.ts";
import type { Ready } from "../run.ts";
import { dialable } from "./command/dial.ts";
import { shellWord } from "./command/self.ts";

export interface InvitationOptions {
  readonly tls: boolean;
  /** The words that start this program. */
  readonly self: string;
}

export function invitation(
  { service, grpcAddress, httpAddress }: Omit<Ready, "log">,
  options: InvitationOptions,
): string[] {
  const unary = service.endpoints.find(
    ({ method, handler, internal }) =>
      handler !== undefined && !internal && !method.requestStream && !method.responseStream,
  );
  if (httpAddress === undefined || grpcAddress === undefined) return [];
  const curl = curlTo(httpAddress, options.tls);
  if (unary === undefined) return [curl("/")];
  const { method } = unary;
  const request = shellWord(JSON.stringify(sample(method)));
  const owner = method.service.startsWith(`${service.name}.`)
    ? method.service.slice(service.name.length + 1)
    : method.service;
  const security = options.tls ? " --client_tls_ca=ca.crt" : "";
  return [
    `${curl(`/${method.service}/${method.name}`)} -H 'Content-Type: application/json' -d ${request}`,
    `${options.self} call ${shellWord(service.name)} ${shellWord(`${owner}.${method.name}`)} ${request} --address=${dialable(grpcAddress)}${security}`,
  ];
}

function curlTo(address: string, tls: boolean): (path: string) => string {
  const scheme = tls ? "https" : "http";
  if (address.startsWith("unix:")) {
    return (path) => `curl --unix-socket ${shellWord(address.slice(5))} ${scheme}://localhost${path}`;
  }
  return (path) => `curl ${scheme}://${dialable(address)}${path}`;
}

/** A request with every plain field that an empty message has; none where a proto2 `required` field allows no empty one. */
function sample({ request }: Method): Record<string, unknown> {
  let empty: unknown;
  try {
    empty = request.decode?.(new Uint8Array());
  } catch {}
  const fields = Object.entries(empty ?? {}).map(([name, value]) => [name, name === "name" ? "John" : value]);
  return Object.fromEntries(fields.filter(([, value]) => /^(string|number|boolean)$/.test(typeof value)));
}
