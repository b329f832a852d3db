/** One `.proto` → protobufjs's tree: what its parser gets wrong is set right around it. */
import protobuf from "protobufjs";
import type { ProtoFile } from "./proto-files.ts";
import { exactNumbers } from "./proto-numbers.ts";
import { parseError } from "./proto-text.ts";

/** Names are kept as written, except where protojson counts on camelCase. */
export function parseInto(root: protobuf.Root, file: ProtoFile): void {
  const keepCase = file.package !== "google.protobuf" || !file.name.endsWith("struct.proto");
  // Its only way of being told; absent from its types.
  const named = protobuf.parse as typeof protobuf.parse & { filename: string | null };
  try {
    named.filename = file.name;
    parseText(root, file.text, { keepCase, alternateCommentMode: true });
  } catch (error) {
    throw parseError(file, error);
  } finally {
    named.filename = null;
  }
  if (/^\d/.test(file.syntax)) claim(root, file.name);
}

/** A text alone, so that what protobufjs keeps on the package, the options of all its files, is this file's. */
export function parseAlone(text: string): protobuf.Root {
  const root = new protobuf.Root();
  parseText(root, text, { keepCase: true });
  return root;
}

/** The parser gives a group's message to the oneof around, which refuses it: it is the message's around that. */
function parseText(root: protobuf.Root, text: string, options: protobuf.IParseOptions): void {
  const oneof = protobuf.OneOf.prototype;
  const { add } = oneof;
  const groups = new Map<protobuf.Type, protobuf.OneOf>();
  oneof.add = function (this: protobuf.OneOf, member: protobuf.Field | protobuf.Type): protobuf.OneOf {
    if (!(member instanceof protobuf.Type)) return add.call(this, member);
    groups.set(member, this);
    return this;
  };
  try {
    protobuf.parse(exactNumbers(text), root, options);
  } finally {
    oneof.add = add;
  }
  for (const [group, { parent }] of groups) (parent as protobuf.Type).add(group);
}

/** In an edition's file protobufjs forgets the file's name after `reserved` has named a field. */
function claim(space: protobuf.NamespaceBase, name: string): void {
  for (const object of space.nestedArray) {
    if (object.constructor !== protobuf.Namespace) object.filename ??= name;
    if (object instanceof protobuf.Type)
      for (const member of [...object.fieldsArray, ...object.oneofsArray]) member.filename ??= name;
    if (object instanceof protobuf.Service)
      for (const method of object.methodsArray) method.filename ??= name;
    if (object instanceof protobuf.Namespace) claim(object, name);
  }
}
