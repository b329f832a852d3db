/** Server reflection, v1 and v1alpha: what grpcurl and the like learn a service's schema from. */
import textV1 from "../../../proto/grpc/reflection/v1/reflection.proto" with { type: "text" };
import textV1alpha from "../../../proto/grpc/reflection/v1alpha/reflection.proto" with { type: "text" };
import { codes, MicrorunError } from "../../errors.ts";
import type { FileDescriptor, Service } from "../../service/service.ts";
import { type BuiltinPart, builtinPart } from "./builtin.ts";
import { indexFiles, type ReflectionIndex } from "./reflection-index.ts";

interface Asked {
  readonly host?: string;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly fileContainingExtension?: {
    readonly containingType?: string;
    readonly extensionNumber?: number;
  };
  readonly allExtensionNumbersOfType?: string;
  readonly listServices?: string;
}

/** @param service asked for when a reflection call comes: reflection is a part of it */
export function reflectionPart(service: () => Service): BuiltinPart {
  let index: ReflectionIndex | undefined;
  const files = (): ReflectionIndex => (index ??= indexFiles(service().schemas));

  async function* answerAll(asked: AsyncIterable<Asked>): AsyncGenerator<unknown> {
    // a client has the files that it was sent on this stream
    const sent = new Set<string>();
    for await (const request of asked) {
      yield { validHost: request.host ?? "", originalRequest: request, ...answer(request, sent) };
    }
  }

  const answer = (asked: Asked, sent: Set<string>): object => {
    try {
      return find(asked, sent);
    } catch (error) {
      const { code, message } = MicrorunError.from(error);
      return { errorResponse: { errorCode: codes[code], errorMessage: message } };
    }
  };

  const find = (asked: Asked, sent: Set<string>): object => {
    if (asked.listServices !== undefined) {
      // who lists asks for each next: one without a schema could not be answered
      const all = service().endpoints.map(({ method }) => method.service);
      const names = new Set(all.filter((name) => files().symbol(name) !== undefined));
      return { listServicesResponse: { service: [...names].sort().map((name) => ({ name })) } };
    }
    if (asked.fileByFilename !== undefined) {
      const name = asked.fileByFilename;
      return descriptors(found(files().file(name), `file ${name}`), sent);
    }
    if (asked.fileContainingSymbol !== undefined) {
      const name = asked.fileContainingSymbol;
      return descriptors(found(files().symbol(name), `symbol ${name}`), sent);
    }
    if (asked.fileContainingExtension !== undefined) {
      const { containingType: type = "", extensionNumber: number = 0 } = asked.fileContainingExtension;
      return descriptors(found(files().extension(type, number), `extension ${number} of ${type}`), sent);
    }
    if (asked.allExtensionNumbersOfType !== undefined) {
      const type = asked.allExtensionNumbersOfType;
      found(files().symbol(type), `type ${type}`);
      const numbers = files().extensionNumbers(type);
      return { allExtensionNumbersResponse: { baseTypeName: type, extensionNumber: numbers } };
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
    return { fileDescriptorResponse: { fileDescriptorProto: bytes } };
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
