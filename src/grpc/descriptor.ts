/** A schema's files as serialized FileDescriptorProto, for reflection. */
import type protobuf from "protobufjs";
import type { FileDescriptor } from "../service/service.ts";
import type { ProtoFile } from "./proto-files.ts";
import type { Symbols } from "./proto-links.ts";

export function fileDescriptors(
  _root: protobuf.Root,
  _sources: readonly ProtoFile[],
  _symbols: Symbols,
): FileDescriptor[] {
  return [];
}
