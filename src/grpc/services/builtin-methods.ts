/** The methods of the services that runtimes have beside the user's own, for who calls them. */
import healthText from "../../../proto/grpc/health/v1/health.proto" with { type: "text" };
import debugText from "../../../proto/micro/debug.proto" with { type: "text" };
import inspectText from "../../../proto/microrun/inspect.proto" with { type: "text" };
import type { Method } from "../../call.ts";
import { parseSchema } from "../schema/schema.ts";

export type BuiltinService = "grpc.health.v1.Health" | "debug.Debug" | "microrun.inspect.v1.Inspect";

const files: readonly (readonly [service: BuiltinService, file: string, text: string])[] = [
  ["grpc.health.v1.Health", "grpc/health/v1/health.proto", healthText],
  ["debug.Debug", "micro/debug.proto", debugText],
  ["microrun.inspect.v1.Inspect", "microrun/inspect.proto", inspectText],
];
export type BuiltinMethods = (service: BuiltinService, method: string) => Method;

/** Parsed once. */
export function builtinMethods(): BuiltinMethods {
  const known = new Map<string, Method>();
  for (const [service, file, text] of files)
    for (const method of parseSchema(file, text).services.get(service) ?? [])
      known.set(`${service}/${method.name}`, method);
  return (service, method) => {
    const found = known.get(`${service}/${method}`);
    if (found === undefined) throw new TypeError(`${service} has no method ${method}`);
    return found;
  };
}
