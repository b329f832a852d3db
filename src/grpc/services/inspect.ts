/** The `Inspect` service: what an instance is, its configuration without secrets, its calls, logs and events as they come. */
import text from "../../../proto/microrun/inspect.proto" with { type: "text" };
import { type Feed, readFeed } from "../../feed.ts";
import { quantile } from "../../histogram.ts";
import type { Inspected, Sample } from "../../inspect/inspect.ts";
import { jsonLine, type LogRecord } from "../../log-line.ts";
import type { Context, Endpoint } from "../../service/service.ts";
import { type BuiltinPart, builtinPart } from "./builtin.ts";

export function inspectPart(inspected: Inspected): BuiltinPart {
  const { samples, events, log } = inspected;
  const all = <T>(feed: Feed<T>, { signal }: Context): AsyncGenerator<T> => readFeed(feed, { signal });
  return builtinPart({
    service: "microrun.inspect.v1.Inspect",
    file: "microrun/inspect.proto",
    text,
    methods: {
      Overview: { handler: () => overview(inspected) },
      Config: {
        handler: () => ({
          values: inspected
            .config()
            .map(({ key, value, source }) => ({ key, value: valueText(value), source })),
        }),
      },
      Samples: {
        handler: (_, context) => mapped(all(samples, context), sampleMessage),
        responseStream: true,
      },
      Logs: {
        handler: ({ count }: { count: number }, { signal }) => {
          const past = (kept: readonly LogRecord[]) => kept.slice(count > 0 ? -count : 0);
          return mapped(readFeed(log, { past, signal }), logMessage);
        },
        responseStream: true,
      },
      Events: {
        handler: (_, context) =>
          mapped(all(events, context), (event) => ({ ...event, time: new Date(event.time) })),
        responseStream: true,
      },
    },
  });
}

function overview({ service, started, runtime, flags, subscriptions }: Inspected): unknown {
  const { name, version, id, metadata, endpoints } = service();
  return {
    ...{ service: name, version, id, metadata, runtime, flags, subscriptions },
    now: new Date(),
    started: new Date(started * 1000),
    memory: process.memoryUsage.rss(),
    endpoints: endpoints.filter(({ internal, handler }) => !internal && handler).map(endpointMessage),
  };
}

function endpointMessage({ method }: Endpoint): unknown {
  const { service, name, requestStream, responseStream, request, response } = method;
  const schemaText = (schema: (() => object) | undefined): string =>
    schema === undefined ? "" : JSON.stringify(schema());
  return {
    ...{ service, method: name, requestStream, responseStream },
    requestSchema: schemaText(request.schema),
    responseSchema: schemaText(response.schema),
  };
}

function sampleMessage({ time, endpoints, topics }: Sample): unknown {
  return {
    time: new Date(time),
    memory: process.memoryUsage.rss(),
    endpoints: [...endpoints].map(([endpoint, { calls, errors, latency }]) => {
      const part = (of: number): number => quantile(latency, of) ?? 0;
      return { endpoint, calls, errors, latency, p50: part(0.5), p90: part(0.9), p99: part(0.99) };
    }),
    topics: [...topics].map(([topic, counts]) => ({ topic, ...counts })),
  };
}

function logMessage(record: LogRecord): unknown {
  // as a line of the log has them: no secret, no cycle
  const { time, level, message, ...fields } = JSON.parse(jsonLine(record)) as Record<string, unknown>;
  return { time, level, message, fields: JSON.stringify(fields) };
}

/** What is not to be shown is no JSON. */
function valueText(value: unknown): string {
  return value === "***" ? value : (JSON.stringify(value) ?? "");
}

async function* mapped<T>(all: AsyncIterable<T>, map: (one: T) => unknown): AsyncGenerator<unknown> {
  for await (const one of all) yield map(one);
}
