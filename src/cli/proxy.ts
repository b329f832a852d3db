/** `microrun proxy`: its flags read, then it runs. */
import { usageError } from "../errors.ts";
import { runProxy } from "../proxy.ts";
import type { Input } from "./command/command.ts";
import { readSettings } from "./command/settings.ts";
import { proxyFlags } from "./flags/gateway-flags.ts";
import { readFlags } from "./flags/values.ts";

export async function start(input: Input): Promise<number> {
  const { given, env } = input;
  const { address, namespace = "", domain = "", route } = readFlags(proxyFlags, given, env);
  const empty = Object.entries(route).find(([, service]) => service === "");
  if (empty !== undefined)
    throw usageError(`--route=${empty[0]}=: names no service`, "write it as shop.cart.v1=cart");
  const rules = { namespace, domain: domain.toLowerCase().replace(/^\./, ""), routes: route };
  return runProxy({ ...readSettings("", input), address, ...rules });
}
