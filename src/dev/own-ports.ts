/** Ports of their own for JSON and for gRPC, as the flags of a module name them. */
import { parseAddress } from "../address.ts";
import type { OwnPorts, ServicePlan } from "./dev.ts";

export function ownPorts(plan: ServicePlan): OwnPorts {
  const http = portOf("http_address", plan);
  const grpc = portOf("grpc_address", plan);
  return { ...(http === undefined ? {} : { http }), ...(grpc === undefined ? {} : { grpc }) };
}

/** Undefined: none that is known and on loopback. What is wrong with it the run says. */
function portOf(name: string, { module, flags, env }: ServicePlan): number | undefined {
  if (module === undefined) return undefined;
  const said = flags.findLast((flag) => flag.replaceAll("-", "_").startsWith(`__${name}=`));
  const text = said?.slice(said.indexOf("=") + 1) ?? env[`MICRO_${name.toUpperCase()}`];
  if (!text) return undefined;
  try {
    const { host = "", port } = { port: 0, ...parseAddress(text) } as { host?: string; port: number };
    return /^(localhost|127\.0\.0\.1|0\.0\.0\.0|::)?$/.test(host) && port > 0 ? port : undefined;
  } catch {
    return undefined;
  }
}
