/** `microrun gateway`, put together: the gateway on top of calls out, with what its settings ask for. */
import type { Dispatch, Fetch } from "./call.ts";
import { type EdgeSettings, edgeService, runEdge } from "./edge.ts";
import { MicrorunError } from "./errors.ts";
import type { GatewayOptions, RateRules, Upstream } from "./gateway/gateway.ts";
import { learnedMethod } from "./learned-method.ts";
import type { JwtOptions } from "./middleware/jwt.ts";
import type { RateLimitOptions } from "./middleware/rate-limit.ts";
import type { Outbound } from "./outbound.ts";
import * as plugins from "./plugins.ts";

export interface GatewaySettings
  extends EdgeSettings,
    Pick<
      GatewayOptions,
      | "namespace"
      | "services"
      | "routes"
      | "proxyHops"
      | "rpcAddress"
      | "maxUploadBytes"
      | "upstreamTimeoutMs"
      | "compress"
      | "accessLog"
    > {
  /** @default nobody needs a token */
  readonly token?: { readonly jwt: JwtOptions; readonly except: readonly string[] };
  /** @default as often as they like */
  readonly rate?: { readonly limit: RateLimitOptions; readonly by: RateRules["by"] };
}

/** As Go Micro's calls itself. */
const name = "go.micro.api";

/** @throws MicrorunError when it cannot start */
export function runGateway(settings: GatewaySettings): Promise<number> {
  return runEdge(name, settings, async ({ outbound, log }) => {
    const { createGateway } = await plugins.gateway.entrance();
    const { withCors, trusts } = await plugins.http.cors();
    const { readBody, decompress, compress } = await plugins.http.body();
    const { queryJson } = await plugins.http.query();
    const { token, rate, ...plain } = settings;
    const { live, client } = plain;
    const cors = () => live.cors;
    const gateway = createGateway({
      ...plain,
      client: outbound.client,
      learn: (client, service, names) => learnedMethod(client, service, names, { timeoutMs: reflectionMs }),
      upstream: upstreamOf(outbound, client.tls),
      bodies: { readBody, decompress, compress, fields: queryJson },
      trusts: (origin) => live.cors.origins.includes("*") || trusts(live.cors, origin),
      timeoutMs: () => live.clientTimeoutMs,
      ...(token === undefined ? {} : { token: await tokenRules(token) }),
      ...(rate === undefined ? {} : { rate: await rateRules(rate) }),
      log,
    });
    const entered: Fetch = gateway.fetch;
    const nothing: Dispatch = async ({ service }) => {
      throw new MicrorunError("unimplemented", `unknown service ${service}`);
    };
    return {
      service: edgeService(name, []),
      dispatch: nothing,
      fetch: withCors(entered, cors),
      websocket: gateway.websocket,
    };
  });
}

async function tokenRules({
  jwt,
  except,
}: NonNullable<GatewaySettings["token"]>): Promise<GatewayOptions["token"] & {}> {
  const { jwtVerifier } = await plugins.middleware.jwt();
  return { verify: jwtVerifier(jwt), except };
}

async function rateRules({ limit, by }: NonNullable<GatewaySettings["rate"]>): Promise<RateRules> {
  const { createRateLimit } = await plugins.middleware.rateLimit();
  return { take: createRateLimit(limit).take, by };
}

function upstreamOf({ selector }: Outbound, tls: EdgeSettings["client"]["tls"]): Upstream {
  return {
    async pick(service, wish) {
      try {
        return await selector.pick(service, wish);
      } catch (error) {
        if (MicrorunError.from(error).code !== "unavailable") throw error;
        // who tells of one port serves the web at it, too
        const { protocol: _, ...any } = wish;
        return selector.pick(service, any);
      }
    },
    report: (...told) => selector.report?.(...told),
    ...(tls === undefined ? {} : { tls: () => tls }),
  };
}

/** How long a service may take to tell of itself, in ms. */
const reflectionMs = 5000;
