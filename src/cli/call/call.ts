/** `microrun call`: one call, the reply printed (as `micro call` prints it); each of them where the method streams. */
import { text } from "node:stream/consumers";
import type { CallOptions, Client } from "../../client/client.ts";
import { MicrorunError, usageError } from "../../errors.ts";
import { microErrorJson, toMicroError } from "../../micro-error.ts";
import { openOutbound } from "../../outbound.ts";
import type { Input } from "../command/command.ts";
import { dialable } from "../command/dial.ts";
import { toolLog, unreadSignal } from "../command/discovery.ts";
import { readClient, readMesh } from "../command/settings.ts";
import { clientFlags, portFlags } from "../flags/run-flags.ts";
import { callFlags } from "../flags/tool-flags.ts";
import { readFlags } from "../flags/values.ts";
import { checkedMetadata, parseRequest, type Requests, requestsOf } from "./call-request.ts";
import { type CallType, callType, nameParts, spelledOut } from "./call-type.ts";

const limits = {
  max_message_bytes: portFlags.max_message_bytes,
  client_request_timeout: clientFlags.client_request_timeout,
} as const;

export async function start({ words, given, env, own = String }: Input): Promise<number> {
  const [service, endpoint, json] = spelledOut(words);
  if (service === undefined || endpoint === undefined) {
    throw usageError(
      "call: requires a service and an endpoint",
      `write microrun call greeter Greeter.Hello '{"name":"John"}'`,
    );
  }
  const flags = readFlags(callFlags, given, env);
  if (flags.stream && json !== undefined && json !== "-")
    throw usageError("--stream: reads its requests from stdin", "leave the request out");
  const names = nameParts(service, endpoint);
  const request = flags.stream ? undefined : parseRequest(json === "-" ? await text(process.stdin) : json);
  const { max_message_bytes, client_request_timeout } = readFlags(limits, given, env);
  const metadata = checkedMetadata(flags.metadata);
  const mesh = readMesh(given, env);
  await using outbound = await openOutbound({
    // whoever names the address asks no registry
    mesh: flags.address === undefined ? mesh : { ...mesh, registry: "memory", selector: "static" },
    client: readClient(given, env),
    requestTimeoutMs: () => client_request_timeout,
    transport: "grpc",
    maxMessageBytes: max_message_bytes,
    from: "microrun",
    env,
    log: toolLog(env),
  });
  const client = outbound.client();
  const timeoutMs = flags.timeout ?? client_request_timeout;
  const address = flags.address === undefined ? {} : { address: dialable(flags.address) };
  const failed = (error: unknown): number => {
    if (!(error instanceof MicrorunError)) throw error;
    const told = microErrorJson(toMicroError(error, "microrun.client"));
    const hint = error.hint === undefined ? "" : `  hint: ${own(error.hint)}\n`;
    process.stderr.write(`error calling ${service}.${endpoint}: ${told}\n${hint}`);
    return 1;
  };

  let type: CallType;
  try {
    // a token, or the name that a proxy goes by, is wanted here too
    const options = { ...address, metadata, timeoutMs };
    type = await callType(names, { proto: flags.proto, stream: flags.stream, client, service, options });
  } catch (error) {
    // a .proto that cannot be read, a name that is not in it
    if (MicrorunError.from(error).code === "invalid_argument") throw error;
    return failed(error);
  }
  const requests = requestsOf(type.method, { stream: flags.stream, json: request, input: process.stdin });
  // a stream may go on for as long as both sides like, unless a time was named
  const timed = flags.timeout !== undefined || !type.streams;
  const signal = unreadSignal();
  const options = { ...address, metadata, signal, type: type.method, ...(timed ? { timeoutMs } : {}) };
  try {
    await printReplies(client, service, requests, options);
    return 0;
  } catch (error) {
    if (signal.aborted) return 0;
    const wrong = requests.wrong();
    if (wrong !== undefined) throw wrong;
    return failed(error);
  }
}

async function printReplies(
  client: Client,
  service: string,
  { value }: Requests,
  options: CallOptions & { readonly type: CallType["method"] },
): Promise<void> {
  const { type } = options;
  const endpoint = `${type.service}.${type.name}`;
  const print = (reply: unknown): void => {
    process.stdout.write(`${JSON.stringify(reply, null, "\t")}\n`);
  };
  if (!type.responseStream) print(await client.call(service, endpoint, value, options));
  else for await (const reply of client.stream(service, endpoint, value, options)) print(reply);
}
