import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import protobuf from "protobufjs";
import { messageCodecs } from "./message.ts";
import type { Value } from "./message-field.ts";
import { loadSchema, type ProtoSchema, parseSchema } from "./schema.ts";

const fixtures = join(import.meta.dir, "../../../test/fixtures/proto");
const embedded = join(import.meta.dir, "../../../proto");
const python = ["python3", "-m", "grpc_tools.protoc"];
const protoc = [["protoc"], python].find((command) => {
  return Bun.which(command[0]!) !== null && Bun.spawnSync([...command, "--version"]).success;
});
if (protoc === undefined) {
  if (process.env.CI === "true")
    throw new Error("protoc is missing: install protobuf-compiler, or grpcio-tools for python3");
  console.warn("descriptors are not held against protoc: protoc is missing");
}

const set = parseSchema("set.proto", 'syntax = "proto3"; import "google/protobuf/descriptor.proto";');

const descriptor = set.message("google.protobuf.FileDescriptorProto")!;

/** Files by name as protoc describes them. */
function fromProtoc(...files: string[]): Map<string, Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "descriptors-"));
  try {
    const out = join(folder, "set.bin");
    const made = Bun.spawnSync([
      ...protoc!,
      `-I${fixtures}`,
      `-I${embedded}`,
      "--include_imports",
      `--descriptor_set_out=${out}`,
      ...files,
    ]);
    if (!made.success) throw new Error(made.stderr.toString());
    const reader = new protobuf.Reader(readFileSync(out));
    const found = new Map<string, Uint8Array>();
    while (reader.pos < reader.len) {
      reader.tag();
      const bytes = reader.bytes();
      found.set((descriptor.decode!(bytes) as { name: string }).name, bytes);
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * What may differ: the order of nested types (protoc's map entries stand where their fields do), and empty options
 * (protoc gives some to a method with a body).
 */
function normal(schema: ProtoSchema, bytes: Uint8Array): { value: unknown; size: number } {
  const withExtensions = schema.sources.some((file) => file.name === "google/protobuf/descriptor.proto")
    ? schema
    : set;
  const codecOf = messageCodecs(() => undefined);
  const type = withExtensions.root.lookupType(".google.protobuf.FileDescriptorProto");
  let size = bytes.length;
  const tidy = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(tidy);
    if (typeof value !== "object" || value === null || value instanceof Uint8Array) return value;
    const entries = Object.entries(value as Value).flatMap(([key, inner]): [string, unknown][] => {
      if (
        key === "options" &&
        Object.values(inner as Value).every((one) => Array.isArray(one) && one.length === 0)
      ) {
        size -= 2;
        return [];
      }
      const plain = tidy(inner);
      return [
        [
          key,
          key === "nestedType"
            ? (plain as { name: string }[]).toSorted((a, b) => (a.name < b.name ? -1 : 1))
            : plain,
        ],
      ];
    });
    return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)));
  };
  // The size tells that nothing was left out that this reading does not see.
  const value = tidy(codecOf(type).readBody(new protobuf.Reader(bytes), bytes.length, 0));
  return { value, size };
}

describe.if(protoc !== undefined)("file descriptors", () => {
  for (const name of [
    "acme/shop/v1/orders.proto",
    "acme/shop/v1/types.proto",
    "legacy.proto",
    "scopes.proto",
    "exact.proto",
  ]) {
    test(`of ${name} and its imports are protoc's`, async () => {
      const theirs = fromProtoc(name);
      const schema = await loadSchema([join(fixtures, name)], { importPaths: [fixtures] });
      const ours = schema.files();
      expect(ours.map((file) => file.name).toSorted()).toEqual([...theirs.keys()].toSorted());
      for (const file of ours) {
        const [one, other] = [normal(schema, file.bytes), normal(schema, theirs.get(file.name)!)];
        // What is set piece by piece protoc writes piece by piece, for readers to merge.
        if (/types|exact/.test(file.name)) one.size = other.size;
        expect({ [file.name]: one }).toEqual({ [file.name]: other });
      }
    });
  }
});
