/** `microrun proxy`, put together: gRPC passed through to services by name; of itself it answers health alone. */
import type { Dispatch } from "./call.ts";
import { type EdgeSettings, edgeService, runEdge } from "./edge.ts";
import type { PassRules } from "./gateway/pass-through.ts";
import * as plugins from "./plugins.ts";
import type { Context } from "./service/service.ts";

export interface ProxySettings extends EdgeSettings, PassRules {}

/** As Go Micro's calls itself. */
const name = "go.micro.proxy";

/** @throws MicrorunError when it cannot start */
export function runProxy(settings: ProxySettings): Promise<number> {
  return runEdge(name, settings, async ({ outbound, health }) => {
    const { passThroughService, passThroughDispatch } = await plugins.gateway.passThrough();
    const { healthPart } = await plugins.grpc.health();
    const own = edgeService(name, [healthPart(health, [])]);
    const answer: Dispatch = async (call) => {
      const handler = own.find(call.service, call.method)?.handler;
      // of their context health's handlers look at the signal alone
      return handler?.(call.request, call as unknown as Context);
    };
    return {
      service: passThroughService(own),
      dispatch: passThroughDispatch(answer, { ...settings, forward: outbound.forward }),
    };
  });
}
