/** What lies below the runtime in an image. */
import { usageError } from "../errors.ts";
import type { Platform } from "../oci.ts";
import type { Compression } from "./compression.ts";
import { elfNeeds } from "./elf.ts";
import type { Layer, LayerCache } from "./layer.ts";

export type Libc = "glibc" | "musl";

export interface BaseOptions {
  /** How it was named, for people. */
  readonly what: string;
  /** Which of the images of a layout or an archive: its name, tag or digest. @default the only one */
  readonly image?: string;
  readonly platform: Platform;
  /** Of layers that are made here. */
  readonly compression: Compression;
  readonly cache: Pick<LayerCache, "folder" | "progress">;
}

export interface Base {
  /** How it was named, for people. */
  readonly what: string;
  /** Where it was pulled from, and the digest of what the name meant. */
  readonly origin?: { readonly name: string; readonly digest: string };
  readonly platform: Platform;
  readonly libc: Libc;
  /** Its own variables: `PATH=…`. */
  readonly env: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Steps that made it, as they stand in its config; without, one of each layer. */
  readonly history?: readonly object[];
  /** The layers on which an executable runs. @throws MicrorunError when it cannot run there */
  layersFor(executable: string): Promise<readonly Layer[]>;
}

/** The libc whose loader is among the files of a base. */
export function libcOf(libraries: Iterable<string>, what: string): Libc {
  const names = [...libraries];
  if (names.some((name) => name.startsWith("ld-musl-"))) return "musl";
  if (names.some((name) => /^ld-linux|^ld64/.test(name))) return "glibc";
  throw usageError(
    `--base=${what}: it has neither glibc nor musl, which the runtime needs`,
    "use --base=scratch, which brings what the runtime needs, or a base that has libc, libstdc++ and libgcc",
  );
}

/** @throws MicrorunError `invalid_argument` for a base without a library that the executable needs */
export async function checkLibraries(
  executable: string,
  libraries: Iterable<string>,
  what: string,
): Promise<void> {
  const needs = await elfNeeds(Bun.file(executable));
  const there = new Set(libraries);
  const loader = needs?.loader?.replace(/^.*\//, "");
  const missing = [...(needs?.libraries ?? []), ...(loader === undefined ? [] : [loader])].filter(
    (name) => !there.has(name),
  );
  if (missing.length === 0) return;
  throw usageError(
    `--base=${what}: it lacks ${missing.join(", ")}, which the runtime needs`,
    "add them to the base (on Alpine: apk add libstdc++ libgcc), or give another",
  );
}
