/** How kubelet asks: whether it has started, lives, may get calls. */
import type { Probes } from "./facts.ts";

/** How often kubelet asks, in s. */
const periods = { startup: 1, ready: 3, live: 10 } as const;

/** Liveness is asked by HTTP always: gRPC's health protocol knows readiness alone. */
export function probes({ port, tls, grpcPort, startSeconds, timeoutSeconds }: Probes): object {
  const http = (path: string) => ({
    httpGet: { path, port, ...(tls ? { scheme: "HTTPS" } : {}) },
  });
  const grpc = grpcPort === undefined ? undefined : { grpc: { port: grpcPort } };
  return {
    startupProbe: {
      ...(grpc ?? http("/startupz")),
      periodSeconds: periods.startup,
      timeoutSeconds,
      failureThreshold: Math.ceil(startSeconds / periods.startup),
    },
    livenessProbe: { ...http("/livez"), periodSeconds: periods.live, timeoutSeconds, failureThreshold: 3 },
    readinessProbe: {
      ...(grpc ?? http("/readyz")),
      periodSeconds: periods.ready,
      timeoutSeconds,
      failureThreshold: 2,
    },
  };
}
