/** Links the names of a parsed schema by protobuf's scoping rules, and refuses what protoc would refuse. */
import protobuf from "protobufjs";
import { didYouMean, type MicrorunError } from "../../errors.ts";
import { embeddedHome } from "./embedded-protos.ts";
import type { ProtoFile } from "./proto-files.ts";
import { locate, protoError } from "./proto-text.ts";
import { scalars } from "./scalar.ts";

const maxNumber = 0x1fffffff;
const internalNumbers = [19000, 19999] as const;

/** Everything with a name, by full name without a leading dot. */
export type Symbols = ReadonlyMap<string, protobuf.ReflectionObject>;

interface Linker {
  readonly files: ReadonlyMap<string, ProtoFile>;
  readonly symbols: Map<string, protobuf.ReflectionObject>;
  /** Names of the files that a file may take names from: itself, its imports, their public imports. */
  visible(file: string): ReadonlySet<string>;
  refuse(object: protobuf.ReflectionObject, why: string, pattern?: string, hint?: string): MicrorunError;
}

export function linkSchema(root: protobuf.Root, files: readonly ProtoFile[]): Symbols {
  const linker = createLinker(files);
  collect(root, linker);
  link(root, linker);
  root.resolveAll();
  verify(root, linker);
  return linker.symbols;
}

function createLinker(files: readonly ProtoFile[]): Linker {
  const byName = new Map(files.map((file) => [file.name, file]));
  const seen = new Map<string, ReadonlySet<string>>();
  const exported = (file: ProtoFile): string[] => [
    file.name,
    ...file.dependencies.flatMap((dependency, at) =>
      file.imports[at]?.kind === "public" ? exported(dependency) : [],
    ),
  ];
  return {
    files: byName,
    symbols: new Map(),
    visible(name) {
      let names = seen.get(name);
      if (names === undefined) {
        names = new Set([name, ...(byName.get(name)?.dependencies.flatMap(exported) ?? [])]);
        seen.set(name, names);
      }
      return names;
    },
    refuse(object, why, pattern, hint) {
      const file = byName.get(object.filename ?? "");
      if (file === undefined)
        return protoError({ path: object.filename ?? "schema", text: "" }, undefined, why);
      const inner =
        object instanceof protobuf.Field ||
        object instanceof protobuf.Method ||
        object instanceof protobuf.OneOf;
      const scope = inner ? object.parent! : object;
      const local = scope.fullName.slice(1).slice(file.package === "" ? 0 : file.package.length + 1);
      const found =
        pattern ??
        (object instanceof protobuf.Field
          ? `\\b${object.name}\\s*=`
          : inner
            ? `\\b${object.name}\\b`
            : `\\b${object.name}\\b`);
      return protoError(
        file,
        locate(file, inner ? local : local.split(".").slice(0, -1).join("."), found),
        why,
        hint,
      );
    },
  };
}

function collect(parent: protobuf.NamespaceBase, linker: Linker): void {
  const add = (name: string, object: protobuf.ReflectionObject): void => {
    const other = linker.symbols.get(name);
    if (other !== undefined) throw linker.refuse(object, `${name} is already defined in ${other.filename}`);
    linker.symbols.set(name, object);
  };
  for (const object of parent.nestedArray) {
    add(object.fullName.slice(1), object);
    if (object instanceof protobuf.Enum) {
      const scope = parent.fullName.slice(1);
      for (const value of Object.keys(object.values)) add(scope === "" ? value : `${scope}.${value}`, object);
    }
    if (object instanceof protobuf.Type) {
      for (const member of [...ownFields(object), ...object.oneofsArray])
        add(member.fullName.slice(1), member);
    }
    if (object instanceof protobuf.Service)
      for (const method of object.methodsArray) add(method.fullName.slice(1), method);
    if (object instanceof protobuf.Namespace) collect(object, linker);
  }
}

/** Without those that extensions from elsewhere add. */
export function ownFields(type: protobuf.Type): protobuf.Field[] {
  return type.fieldsArray.filter((field) => !field.declaringField);
}

/** Makes every type name absolute: protobufjs's own search also looks where protobuf does not. */
function link(parent: protobuf.NamespaceBase, linker: Linker): void {
  for (const object of parent.nestedArray) {
    if (object instanceof protobuf.Field) {
      const extended = find(linker, object, object.extend!, isMessage, "message");
      if (object.extensionField?.parent !== extended)
        throw linker.refuse(object, `extend ${object.extend}: write the full name of the message`);
      linkField(linker, object);
      object.extensionField!.type = object.type;
    }
    if (object instanceof protobuf.Type) for (const field of ownFields(object)) linkField(linker, field);
    if (object instanceof protobuf.Service) {
      for (const method of object.methodsArray) {
        method.requestType = find(linker, method, method.requestType, isMessage, "message").fullName;
        method.responseType = find(linker, method, method.responseType, isMessage, "message").fullName;
      }
    }
    if (object instanceof protobuf.Namespace) link(object, linker);
  }
}

function linkField(linker: Linker, field: protobuf.Field): void {
  if (scalars.has(field.type)) return;
  field.type = find(
    linker,
    field,
    field.type,
    (found) => isMessage(found) || found instanceof protobuf.Enum,
    "message or enum",
  ).fullName;
  // protoc names a group's field in lower case.
  const type = linker.symbols.get(field.type.slice(1));
  if (type instanceof protobuf.Type && isGroup(type))
    Object.assign(field, { protoName: type.name.toLowerCase() });
}

/** Written as a `group`; protobufjs says so, but not in its types. */
export function isGroup(type: protobuf.Type): boolean {
  return "group" in type && type.group === true;
}

/** A feature as protobufjs resolved it from syntax, edition and options; it says so, but not in its types. */
export function featureOf(object: protobuf.ReflectionObject, name: string): unknown {
  return "_features" in object ? (object._features as Record<string, unknown>)[name] : undefined;
}

function isMessage(object: protobuf.ReflectionObject): object is protobuf.Type {
  return object instanceof protobuf.Type;
}

function find(
  linker: Linker,
  user: protobuf.ReflectionObject,
  name: string,
  fits: (object: protobuf.ReflectionObject) => boolean,
  what: string,
): protobuf.ReflectionObject {
  const title = user.fullName.slice(1);
  const pattern = `(?<![\\w.])${name.replaceAll(".", "\\.")}(?![\\w.])`;
  const found = lookup(linker.symbols, user.parent!.fullName.slice(1), name, fits);
  const add = (file: string): string => `add import "${file}";`;
  if (found === undefined || !fits(found)) {
    const home = embeddedHome(name);
    if (home !== undefined)
      throw linker.refuse(user, `${title}: there is no ${what} ${name}`, pattern, add(home));
    const known = [...linker.symbols]
      .filter(([, object]) => fits(object) && !(object instanceof protobuf.Enum && object.name === name))
      .map(([key]) => key);
    const near = didYouMean(
      name,
      known.map((key) => key.split(".").slice(-name.split(".").length).join(".")),
    );
    throw linker.refuse(user, `${title}: there is no ${what} ${name}${near}`, pattern);
  }
  const home = found.filename ?? "";
  if (!linker.visible(user.filename ?? "").has(home)) {
    throw linker.refuse(
      user,
      `${title}: ${name} is defined in ${home}, which is not imported`,
      pattern,
      add(home),
    );
  }
  return found;
}

/** Innermost scope first; the first part of a dotted name decides in which scope the rest must be. */
export function lookup(
  symbols: Symbols,
  scope: string,
  name: string,
  fits: (object: protobuf.ReflectionObject) => boolean,
): protobuf.ReflectionObject | undefined {
  if (name.startsWith(".")) return symbols.get(name.slice(1));
  const [first = "", ...rest] = name.split(".");
  for (
    let at: string | undefined = scope;
    at !== undefined;
    at = at === "" ? undefined : at.slice(0, Math.max(0, at.lastIndexOf(".")))
  ) {
    const prefix = at === "" ? "" : `${at}.`;
    const head = symbols.get(prefix + first);
    if (head === undefined) continue;
    if (rest.length === 0 && fits(head)) return head;
    if (rest.length > 0 && head instanceof protobuf.Namespace) return symbols.get(prefix + name);
  }
  return undefined;
}

/** What protobufjs lets pass. */
function verify(parent: protobuf.NamespaceBase, linker: Linker): void {
  for (const object of parent.nestedArray) {
    if (object instanceof protobuf.Enum) verifyEnum(object, linker);
    if (object instanceof protobuf.Field)
      verifyNumber(object, object.extensionField!.parent as protobuf.Type, linker);
    if (object instanceof protobuf.Type) verifyMessage(object, linker);
    if (object instanceof protobuf.Namespace) verify(object, linker);
  }
}

function verifyEnum(type: protobuf.Enum, linker: Linker): void {
  const [first] = Object.entries(type.values);
  const title = type.fullName.slice(1);
  if (first === undefined) throw linker.refuse(type, `${title}: an enum needs a value`);
  const open = featureOf(type, "enum_type") === "OPEN";
  if (open && first[1] !== 0)
    throw linker.refuse(
      type,
      `${title}: the first value must be 0, ${first[0]} is ${first[1]}`,
      `\\b${first[0]}\\s*=`,
    );
  for (const [name, number] of Object.entries(type.values)) {
    if ((number | 0) !== number)
      throw linker.refuse(type, `${title}.${name}: ${number} does not fit 32 bits`, `\\b${name}\\s*=`);
  }
}

function verifyMessage(type: protobuf.Type, linker: Linker): void {
  const jsonNames = new Map<string, protobuf.Field>();
  for (const field of ownFields(type)) {
    verifyNumber(field, type, linker);
    const jsonName = field.jsonName ?? field.name;
    const other = jsonNames.get(jsonName);
    if (jsonName === "__proto__")
      throw linker.refuse(field, `${field.fullName.slice(1)}: __proto__ cannot be used as a name`);
    if (other !== undefined)
      throw linker.refuse(
        field,
        `${field.fullName.slice(1)} and ${other.name} have the same name in JSON, ${jsonName}`,
      );
    jsonNames.set(jsonName, field);
  }
}

function verifyNumber(field: protobuf.Field, type: protobuf.Type, linker: Linker): void {
  const { id } = field;
  const title = field.fullName.slice(1);
  const [from, to] = internalNumbers;
  const within = (ranges: readonly (number[] | string)[] | undefined): boolean =>
    (ranges ?? []).some((range) => typeof range !== "string" && range[0]! <= id && id <= range[1]!);
  if (id < 1 || id > maxNumber)
    throw linker.refuse(field, `${title}: number ${id} is not between 1 and ${maxNumber}`);
  if (id >= from && id <= to)
    throw linker.refuse(field, `${title}: numbers ${from} to ${to} belong to protobuf itself`);
  if (field.extend !== undefined) {
    if (!within(type.extensions))
      throw linker.refuse(field, `${title}: ${type.fullName.slice(1)} does not declare ${id} for extensions`);
    return;
  }
  if (within(type.reserved)) throw linker.refuse(field, `${title}: number ${id} is reserved`);
  if (within(type.extensions))
    throw linker.refuse(field, `${title}: number ${id} is declared for extensions`);
  if (type.reserved?.includes(field.name as never))
    throw linker.refuse(field, `${title}: the name is reserved`);
}
