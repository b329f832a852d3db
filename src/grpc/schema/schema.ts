/** `.proto` files → methods, message types and descriptors. Schemas come from files of this machine only, never from a peer. */
import protobuf from "protobufjs";
import type { MessageType, Method } from "../../call.ts";
import type { FileDescriptor, Schema } from "../../service/service.ts";
import { fileDescriptors } from "./descriptor.ts";
import { httpRules } from "./http-rules.ts";
import { messageCodecs } from "./message.ts";
import { messageType } from "./message-json.ts";
import { embeddedProtoFiles, type ProtoFile, type ReadOptions, readProtoFiles } from "./proto-files.ts";
import { linkSchema } from "./proto-links.ts";
import { parseInto } from "./proto-parse.ts";
import { wellKnown } from "./well-known.ts";

/** A schema that also gives the types of messages by name. */
export interface ProtoSchema extends Schema {
  /** By full name, `google.rpc.Status`: of the files asked for and of all that they import. */
  readonly message: (name: string) => MessageType | undefined;
  /** What protobufjs made of the files. Only for files of this folder. */
  readonly root: protobuf.Root;
  readonly sources: readonly ProtoFile[];
}

/**
 * Reads `.proto` files and what they import: looked for in `importPaths`, beside the importing file, beside the file
 * asked for and in the folders above it (there also below `proto/` and `third_party/`), at last among the embedded
 * google/protobuf, google/api, google/rpc and buf/validate.
 * @throws MicrorunError `invalid_argument`, `greeter.proto:3:7: why`
 */
export async function loadSchema(paths: readonly string[], options?: ReadOptions): Promise<ProtoSchema> {
  return buildSchema(await readProtoFiles(paths, options));
}

/** A schema from one text that imports embedded files only: the runtime's own services. */
export function parseSchema(name: string, text: string): ProtoSchema {
  return buildSchema(embeddedProtoFiles(name, text));
}

function buildSchema(sources: readonly ProtoFile[]): ProtoSchema {
  const root = new protobuf.Root();
  for (const file of sources) parseInto(root, file);
  const symbols = linkSchema(root, sources);
  const codecOf = messageCodecs(wellKnown);
  const types = new Map<protobuf.Type, MessageType>();
  const typeOf = (type: protobuf.Type): MessageType => {
    let made = types.get(type);
    if (made === undefined) {
      made = messageType(type, codecOf, typeOf);
      types.set(type, made);
    }
    return made;
  };
  const asked = new Set(sources.filter((file) => file.root).map((file) => file.name));
  const services = new Map<string, readonly Method[]>();
  for (const [name, object] of symbols) {
    if (object instanceof protobuf.Service && asked.has(object.filename ?? "")) {
      services.set(
        name,
        object.methodsArray.map((method) => toMethod(method, name, typeOf)),
      );
    }
  }
  let files: readonly FileDescriptor[] | undefined;
  return {
    services,
    files: () => (files ??= fileDescriptors(root, sources, symbols)),
    message(name) {
      const type = symbols.get(name);
      return type instanceof protobuf.Type ? typeOf(type) : undefined;
    },
    comment: (name) => symbols.get(name)?.comment ?? undefined,
    root,
    sources,
  };
}

function toMethod(
  method: protobuf.Method,
  service: string,
  typeOf: (type: protobuf.Type) => MessageType,
): Method {
  method.resolve();
  return {
    service,
    name: method.name,
    requestStream: method.requestStream === true,
    responseStream: method.responseStream === true,
    idempotent: method.getOption("idempotency_level") === "NO_SIDE_EFFECTS",
    request: typeOf(method.resolvedRequestType!),
    response: typeOf(method.resolvedResponseType!),
    deprecated: method.getOption("deprecated") === true,
    http: httpRules(method),
  };
}
