/** A method's schema, learnt from its server by reflection, so that a callee that takes protobuf alone can be called with JSON. */

import protobuf from "protobufjs";
import textV1 from "../../../proto/grpc/reflection/v1/reflection.proto" with { type: "text" };
import textV1alpha from "../../../proto/grpc/reflection/v1alpha/reflection.proto" with { type: "text" };
import type { Dispatch, Method } from "../../call.ts";
import { didYouMean, errorText, MicrorunError, nearest } from "../../errors.ts";
import { embeddedProtos } from "./embedded-protos.ts";
import { messageCodecs } from "./message.ts";
import { messageType } from "./message-json.ts";
import { type PeerFile, type PeerService, peerFileReader, refused } from "./peer-descriptors.ts";
import { peerRoot } from "./peer-schema.ts";
import { parseSchema } from "./schema.ts";
import { wellKnown } from "./well-known.ts";

/** The files of one schema, and their bytes together. */
const maxFiles = 512;
const maxBytes = 8 * 1024 * 1024;
/** Services that a peer may list. */
const maxServices = 10_000;

/** Newest first. */
const versions = [
  { version: "v1", text: textV1 },
  { version: "v1alpha", text: textV1alpha },
];

interface Answer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Uint8Array[] };
}

/** Questions → an answer to each. Undefined: the peer has no such reflection, or none for us. */
type Ask = (questions: readonly object[]) => Promise<readonly Answer[] | undefined>;

/**
 * @param service as in a path; where the peer has none of this name, the one whose last part is the same: `greeter.Greeter`
 * finds `helloworld.v1.Greeter`
 * @returns undefined where there is no reflection, or no schema for the service
 * @throws MicrorunError `unimplemented`, naming the nearest, for a service or method that the peer does not have;
 * `failed_precondition` for a schema that must not be used; `unavailable`, `deadline_exceeded` and `cancelled` of the calls
 */
export async function reflectedMethod(
  dispatch: Dispatch,
  service: string,
  method: string,
  signal: AbortSignal,
): Promise<Method | undefined> {
  for (const { version, text } of versions) {
    const ask = asker(dispatch, reflectionMethod(version, text), signal);
    const [listed] = (await ask([{ listServices: "*" }])) ?? [];
    if (listed?.listServicesResponse === undefined) continue;
    const names = listed.listServicesResponse.service.slice(0, maxServices).map(({ name }) => name);
    const name = meant(service, names);
    const files = name === undefined ? undefined : await fetchFiles(ask, name);
    return files === undefined ? undefined : methodOf(files, name!, method);
  }
  return undefined;
}

/** Services whose methods are asked for at once. */
const maxDescribed = 64;

/**
 * All methods that a peer tells of, in its order. Those of a service whose schema cannot be used are left out.
 * @param wanted services that are asked for
 * @returns undefined where there is no reflection
 * @throws MicrorunError `unavailable`, `deadline_exceeded` and `cancelled` of the calls
 */
export async function reflectedMethods(
  dispatch: Dispatch,
  wanted: (service: string) => boolean,
  signal: AbortSignal,
): Promise<readonly Method[] | undefined> {
  for (const { version, text } of versions) {
    const ask = asker(dispatch, reflectionMethod(version, text), signal);
    const [listed] = (await ask([{ listServices: "*" }])) ?? [];
    if (listed?.listServicesResponse === undefined) continue;
    const methods: Method[] = [];
    const names = listed.listServicesResponse.service.map(({ name }) => name).filter(wanted);
    for (const name of names.slice(0, maxDescribed)) {
      try {
        const files = await fetchFiles(ask, name);
        if (files !== undefined) methods.push(...methodsOf(files, name));
      } catch (error) {
        if (MicrorunError.from(error).code !== "failed_precondition") throw error;
      }
    }
    return methods;
  }
  return undefined;
}

function reflectionMethod(version: string, text: string): Method {
  const { services } = parseSchema(`grpc/reflection/${version}/reflection.proto`, text);
  return services.get(`grpc.reflection.${version}.ServerReflection`)![0]!;
}

function asker(dispatch: Dispatch, type: Method, signal: AbortSignal): Ask {
  return async (questions) => {
    async function* request(): AsyncGenerator<object> {
      yield* questions;
    }
    const answers: Answer[] = [];
    try {
      const call = { service: type.service, method: type.name, request: request(), type, signal };
      const replies = await dispatch({ ...call, metadata: new Headers() });
      for await (const answer of replies as AsyncIterable<Answer>) {
        answers.push(answer);
        if (answers.length === questions.length) break;
      }
      return answers;
    } catch (error) {
      const { code } = MicrorunError.from(error);
      if (code === "unavailable" || code === "deadline_exceeded" || code === "cancelled") throw error;
      return undefined;
    }
  };
}

/** Of the runtimes: who lists no more than these tells nothing of services that have no schema. */
const builtin = /^(grpc\.(health|reflection)\.|microrun\.inspect\.|(debug|proto)\.Debug$)/;

/** Undefined: which one is not to be told. */
function meant(asked: string, names: readonly string[]): string | undefined {
  if (names.includes(asked)) return asked;
  const last = (name: string): string => name.slice(name.lastIndexOf(".") + 1);
  const alike = names.filter((name) => last(name) === last(asked));
  if (alike.length > 0) return alike.length === 1 ? alike[0] : undefined;
  if (names.every((name) => builtin.test(name))) return undefined;
  const near = nearest(last(asked), names.map(last));
  const best = near === undefined ? "" : `, did you mean ${names.find((name) => last(name) === near)}?`;
  throw new MicrorunError("unimplemented", `there is no service ${asked}${best}`);
}

/** The file that defines a symbol and all that it imports; what every schema can import is our own, not the peer's. */
async function fetchFiles(ask: Ask, symbol: string): Promise<PeerFile[] | undefined> {
  const read = peerFileReader();
  const files = new Map<string, PeerFile>();
  let size = 0;
  const add = (bytes: Uint8Array): void => {
    size += bytes.length;
    if (size > maxBytes) throw refused(`it is larger than ${maxBytes} bytes`);
    const file = readFile(read, bytes);
    const name = file.name ?? "";
    if (!embeddedProtos.has(name)) files.set(name, file);
    if (files.size > maxFiles) throw refused(`it has more than ${maxFiles} files`);
  };
  const asked = new Set<string>();
  let questions: readonly object[] = [{ fileContainingSymbol: symbol }];
  while (questions.length > 0) {
    for (const { fileDescriptorResponse } of (await ask(questions)) ?? [])
      for (const bytes of fileDescriptorResponse?.fileDescriptorProto ?? []) add(bytes);
    // a file that the peer does not have may bring no more than options
    if (files.size === 0) return undefined;
    const missing = dependencies(files).filter(
      (name) => !files.has(name) && !embeddedProtos.has(name) && !asked.has(name),
    );
    for (const name of missing) asked.add(name);
    questions = missing.map((fileByFilename) => ({ fileByFilename }));
  }
  return [
    ...ownFiles(
      dependencies(files).filter((name) => embeddedProtos.has(name)),
      read,
    ),
    ...files.values(),
  ];
}

function readFile(read: (bytes: Uint8Array) => PeerFile, bytes: Uint8Array): PeerFile {
  try {
    return read(bytes);
  } catch (error) {
    throw refused(errorText(error));
  }
}

function dependencies(files: ReadonlyMap<string, PeerFile>): string[] {
  return [...new Set([...files.values()].flatMap((file) => file.dependency))].slice(0, maxFiles + 1);
}

function ownFiles(names: readonly string[], read: (bytes: Uint8Array) => PeerFile): PeerFile[] {
  const imports = names.map((name) => `import ${JSON.stringify(name)};`).join(" ");
  const schema = parseSchema("own.proto", `syntax = "proto3"; ${imports}`);
  return schema.files().map(({ bytes }) => read(bytes));
}

function serviceOf(files: readonly PeerFile[], service: string): PeerService | undefined {
  const dot = service.lastIndexOf(".");
  const [space, own] = [service.slice(0, Math.max(0, dot)), service.slice(dot + 1)];
  return files
    .filter((file) => (file.package ?? "") === space)
    .flatMap((file) => file.service)
    .find((one) => one.name === own);
}

function methodOf(files: readonly PeerFile[], service: string, name: string): Method {
  const methods = serviceOf(files, service)?.method ?? [];
  const method = methods.find((one) => one.name === name);
  if (method !== undefined) return maker(files, service)(method);
  const known = methods.map((one) => one.name ?? "");
  throw new MicrorunError("unimplemented", `${service} has no method ${name}${didYouMean(name, known)}`);
}

function methodsOf(files: readonly PeerFile[], service: string): Method[] {
  return (serviceOf(files, service)?.method ?? []).map(maker(files, service));
}

function maker(
  files: readonly PeerFile[],
  service: string,
): (method: PeerService["method"][number]) => Method {
  const root = peerRoot(files);
  const codecOf = messageCodecs(wellKnown);
  return (method) => {
    const name = method.name ?? "";
    const message = (type = "") => {
      const object = root.lookup(type);
      if (object instanceof protobuf.Type && object.fullName === type) return messageType(object, codecOf);
      throw refused(`${service}.${name}: there is no message ${type.slice(0, 100)}`);
    };
    return {
      service,
      name,
      requestStream: method.clientStreaming === true,
      responseStream: method.serverStreaming === true,
      idempotent: method.options?.idempotencyLevel === "NO_SIDE_EFFECTS",
      request: message(method.inputType),
      response: message(method.outputType),
    };
  };
}
