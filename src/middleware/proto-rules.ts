/** What `buf.validate` options of `.proto` files demand of a request; the only file that imports protovalidate. */
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf";
import { pathToString } from "@bufbuild/protobuf/reflect";
import { FileDescriptorProtoSchema, FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { CompilationError, createValidator } from "@bufbuild/protovalidate";
import type { MessageType } from "../call.ts";
import { MicrorunError, usageError, type Violation } from "../errors.ts";
import type { ProtoFileDescriptor } from "./middleware.ts";

/** @returns what is wrong with a handler value. @throws MicrorunError `internal` where a rule itself fails */
export type ProtoCheck = (value: unknown) => readonly Violation[];

/**
 * @param types of requests
 * @throws MicrorunError `invalid_argument` for rules that make no sense
 */
export function protoChecks(
  files: readonly ProtoFileDescriptor[],
  types: readonly MessageType[],
): (type: MessageType) => ProtoCheck | undefined {
  const unique = new Map(files.map(({ name, bytes }) => [name, bytes]));
  const file = [...unique.values()].map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
  const registry = createFileRegistry({ $typeName: FileDescriptorSetSchema.typeName, file });
  const validator = createValidator({ registry });
  const checkOf = ({ name, encode }: MessageType): ProtoCheck | undefined => {
    const message = registry.getMessage(name);
    if (message === undefined || encode === undefined) return undefined;
    const ask = (bytes: Uint8Array) => validator.validate(message, fromBinary(message, bytes));
    // rules are compiled when they are first asked for
    const first = ask(new Uint8Array());
    if (first.error instanceof CompilationError)
      throw usageError(`${name}: ${first.error.message}`, "correct its buf.validate rules");
    return (value) => {
      const { kind, error, violations } = ask(encode(value));
      if (kind === "error")
        throw new MicrorunError("internal", `${name}: a rule failed: ${error.message}`, { cause: error });
      return (violations ?? []).map((one) => ({
        field: pathToString(one.field),
        description: one.message || one.ruleId,
      }));
    };
  };
  const checks = new Map(types.map((type) => [type.name, checkOf(type)]));
  return (type) => checks.get(type.name);
}
