/** The files of all schemas, found by name, by symbol and by the extensions that they define. */
import protobuf from "protobufjs/minimal.js";
import type { FileDescriptor, Schema } from "../../service/service.ts";

export interface ReflectionIndex {
  file(name: string): FileDescriptor | undefined;
  /** @param name full name, with or without the leading dot */
  symbol(name: string): FileDescriptor | undefined;
  extension(type: string, number: number): FileDescriptor | undefined;
  extensionNumbers(type: string): readonly number[];
}

/** Of two files of one name, the first schema's holds; one that has nothing in common with it goes by another name. */
export function indexFiles(schemas: readonly Schema[]): ReflectionIndex {
  const byName = new Map<string, FileDescriptor>();
  const bySymbol = new Map<string, FileDescriptor>();
  const extensions = new Map<string, Map<number, FileDescriptor>>();
  for (const given of schemas.flatMap((schema) => schema.files())) {
    const taken = byName.has(given.name);
    if (taken && (given.symbols.length === 0 || given.symbols.some((symbol) => bySymbol.has(symbol))))
      continue;
    const file = taken ? renamed(given, (name) => byName.has(name)) : given;
    byName.set(file.name, file);
    for (const symbol of file.symbols) if (!bySymbol.has(symbol)) bySymbol.set(symbol, file);
    for (const { extendee, number } of extensionsOf(file.bytes)) {
      const numbers = extensions.get(extendee) ?? new Map<number, FileDescriptor>();
      extensions.set(extendee, numbers.set(number, file));
    }
  }
  return {
    file: (name) => byName.get(name),
    symbol: (name) => bySymbol.get(bare(name)),
    extension: (type, number) => extensions.get(bare(type))?.get(number),
    extensionNumbers: (type) => [...(extensions.get(bare(type))?.keys() ?? [])].sort((a, b) => a - b),
  };
}

/** A field that comes twice counts as it comes last. None of its schema's files import it: it is a built-in service's own. */
function renamed(file: FileDescriptor, taken: (name: string) => boolean): FileDescriptor {
  let name = file.name;
  while (taken(name)) name = `microrun/${name}`;
  const { length } = file.bytes;
  const field = protobuf.Writer.create().uint32(10).string(name).finish();
  const bytes = new Uint8Array(length + field.length);
  bytes.set(file.bytes);
  bytes.set(field, length);
  return { ...file, name, bytes };
}

function bare(name: string): string {
  return name.startsWith(".") ? name.slice(1) : name;
}

interface Extension {
  readonly extendee: string;
  readonly number: number;
}

/** FileDescriptorProto: `message_type` is 4 and `extension` 7. */
function extensionsOf(bytes: Uint8Array): Extension[] {
  return nested(bytes, 4, 7);
}

/** DescriptorProto: `nested_type` is 3 and `extension` 6. */
function nested(bytes: Uint8Array, messageField: number, extensionField: number): Extension[] {
  const found: Extension[] = [];
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === messageField * 8 + 2) found.push(...nested(reader.bytes(), 3, 6));
    else if (tag === extensionField * 8 + 2) found.push(extensionOf(reader.bytes()));
    else reader.skipType(tag & 7);
  }
  return found;
}

/** FieldDescriptorProto: `extendee` is 2 and `number` 3. */
function extensionOf(bytes: Uint8Array): Extension {
  let extendee = "";
  let number = 0;
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === 18) extendee = bare(reader.string());
    else if (tag === 24) number = reader.int32();
    else reader.skipType(tag & 7);
  }
  return { extendee, number };
}
