/** `microrun call`: one request, the reply printed (as `micro call` prints it); each of them where the method streams. */
import { text } from "node:stream/consumers";
import { jsonMethod } from "../call.ts";
import { errorText, MicrorunError, usageError } from "../errors.ts";
import { silentLog } from "../log.ts";
import { microErrorJson, toMicroError } from "../micro-error.ts";
import { selectors } from "../plugins.ts";
import { readTls } from "./certificates.ts";
import type { Input } from "./command.ts";
import { replies } from "./dial.ts";
import { callFlags } from "./tool-flags.ts";
import { readFlags } from "./values.ts";

export async function start({ words, given, env }: Input): Promise<number> {
  const [service, endpoint, json = "{}"] = spelledOut(words);
  if (service === undefined || endpoint === undefined) {
    throw usageError(
      "call: requires a service and an endpoint",
      `write microrun call greeter Greeter.Hello '{"name":"John"}'`,
    );
  }
  const flags = readFlags(callFlags, given, env);
  const names = nameParts(service, endpoint);
  const request = parseRequest(json === "-" ? await text(process.stdin) : json);
  const metadata = checkedMetadata(flags.metadata);
  const tls = readTls(flags);
  const address = flags.address ?? (await pick(flags.selector, service, env));
  try {
    // a reply that does not stream is a stream of one
    const type = jsonMethod(names.service, names.method, { responseStream: true });
    const question = { ...names, address, request, metadata, timeoutMs: flags.timeout, tls, type };
    for await (const reply of replies(question)) {
      process.stdout.write(`${JSON.stringify(reply, null, "\t")}\n`);
    }
    return 0;
  } catch (error) {
    if (!(error instanceof MicrorunError)) throw error;
    const told = microErrorJson(toMicroError(error, "microrun.client"));
    process.stderr.write(`error calling ${service}.${endpoint}: ${told}\n`);
    return 1;
  }
}

async function pick(name: string, service: string, env: Input["env"]): Promise<string> {
  const selector = await selectors[name]!({ addresses: [], env, log: silentLog });
  return selector.pick(service);
}

/** A path alone, `greeter.Greeter/Hello`, names its service by its package. */
function spelledOut(words: readonly string[]): readonly string[] {
  const [path = ""] = words;
  const [, service] = /^\/?([^/]+)\/[^/]+$/.exec(path) ?? [];
  return service === undefined ? words : [service.replace(/\.[^.]*$/, ""), ...words];
}

/** `Greeter.Hello` of `greeter` is `/greeter.Greeter/Hello` (go-micro v2's rule); `a.b.Greeter.Hello` is `/a.b.Greeter/Hello`. */
function nameParts(service: string, endpoint: string): { service: string; method: string } {
  const dotted = endpoint.replace(/^\//, "").replace("/", ".");
  const dot = dotted.lastIndexOf(".");
  if (dot <= 0 || dot === dotted.length - 1) {
    throw usageError(`endpoint ${endpoint}: not of the form Service.Method`, "write it as Greeter.Hello");
  }
  const owner = dotted.slice(0, dot);
  return { service: owner.includes(".") ? owner : `${service}.${owner}`, method: dotted.slice(dot + 1) };
}

function parseRequest(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (error) {
    throw usageError(`request: not JSON (${errorText(error)})`, `write it as '{"name":"John"}'`);
  }
}

function checkedMetadata(pairs: Readonly<Record<string, string>>): Headers {
  const metadata = new Headers();
  for (const [key, value] of Object.entries(pairs)) {
    try {
      metadata.set(key, value);
    } catch {
      throw usageError(
        `--metadata=${key}=…: not sendable`,
        "write keys in a-z, 0-9, - and _, values in one line",
      );
    }
  }
  return metadata;
}
