/** Server reflection, v1 and v1alpha: what grpcurl and the like learn a service's schema from. */
import textV1 from "../../proto/grpc/reflection/v1/reflection.proto" with { type: "text" };
import textV1alpha from "../../proto/grpc/reflection/v1alpha/reflection.proto" with { type: "text" };
import { codes, MicrorunError } from "../errors.ts";
import type { FileDescriptor, Service } from "../service/service.ts";
import { type BuiltinPart, builtinPart } from "./builtin.ts";
import { indexFiles, type ReflectionIndex } from "./reflection-index.ts";

interface Asked {
  readonly host?: string;
  readonly file_by_filename?: string;
  readonly file_containing_symbol?: string;
  readonly file_containing_extension?: {
    readonly containing_type?: string;
    readonly extension_number?: number;
  };
  readonly all_extension_numbers_of_type?: string;
  readonly list_services?: string;
}

/** @param service asked for when a reflection call comes: reflection is a part of it */
export function reflectionPart(service: () => Service): BuiltinPart {
  let index: ReflectionIndex | undefined;
  const files = (): ReflectionIndex => (index ??= indexFiles(service().schemas));

  async function* answerAll(asked: AsyncIterable<Asked>): AsyncGenerator<unknown> {
    // a client has the files that it was sent on this stream
    const sent = new Set<string>();
    for await (const request of asked) {
      yield { valid_host: request.host ?? "", original_request: request, ...answer(request, sent) };
    }
  }

  const answer = (asked: Asked, sent: Set<string>): object => {
    try {
      return find(asked, sent);
    } catch (error) {
      const { code, message } = MicrorunError.from(error);
      return { error_response: { error_code: codes[code], error_message: message } };
    }
  };

  const find = (asked: Asked, sent: Set<string>): object => {
    if (asked.list_services !== undefined) {
      const names = new Set(service().endpoints.map(({ method }) => method.service));
      return { list_services_response: { service: [...names].sort().map((name) => ({ name })) } };
    }
    if (asked.file_by_filename !== undefined) {
      const name = asked.file_by_filename;
      return descriptors(found(files().file(name), `file ${name}`), sent);
    }
    if (asked.file_containing_symbol !== undefined) {
      const name = asked.file_containing_symbol;
      return descriptors(found(files().symbol(name), `symbol ${name}`), sent);
    }
    if (asked.file_containing_extension !== undefined) {
      const { containing_type: type = "", extension_number: number = 0 } = asked.file_containing_extension;
      return descriptors(found(files().extension(type, number), `extension ${number} of ${type}`), sent);
    }
    if (asked.all_extension_numbers_of_type !== undefined) {
      const type = asked.all_extension_numbers_of_type;
      found(files().symbol(type), `type ${type}`);
      const numbers = files().extensionNumbers(type);
      return { all_extension_numbers_response: { base_type_name: type, extension_number: numbers } };
    }
    throw new MicrorunError("invalid_argument", "the request asks for nothing");
  };

  /** The file and what it imports, the importing file first, but for what was sent before. */
  const descriptors = (file: FileDescriptor, sent: Set<string>): object => {
    const bytes: Uint8Array[] = [];
    const add = ({ name, dependencies, bytes: own }: FileDescriptor, asked: boolean): void => {
      if (sent.has(name) && !asked) return;
      sent.add(name);
      bytes.push(own);
      for (const dependency of dependencies) {
        const next = files().file(dependency);
        if (next !== undefined) add(next, false);
      }
    };
    add(file, true);
    return { file_descriptor_response: { file_descriptor_proto: bytes } };
  };

  const parts = [
    { version: "v1", text: textV1 },
    { version: "v1alpha", text: textV1alpha },
  ].map(({ version, text }) =>
    builtinPart({
      service: `grpc.reflection.${version}.ServerReflection`,
      file: `grpc/reflection/${version}/reflection.proto`,
      text,
      methods: { ServerReflectionInfo: { handler: answerAll, requestStream: true, responseStream: true } },
    }),
  );
  return {
    endpoints: parts.flatMap(({ endpoints }) => endpoints),
    schemas: parts.flatMap(({ schemas }) => schemas),
  };
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new MicrorunError("not_found", `unknown ${what}`);
  return value;
}
