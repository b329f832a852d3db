/** What `--base` names: nothing, a file, a folder, or an image of a registry. */
import { existsSync, statSync } from "node:fs";
import type { RegistryClient } from "../distribution/distribution.ts";
import { MicrorunError, usageError } from "../errors.ts";
import { parseReference, type Reference, referenceText } from "../image-reference.ts";
import type { Base, BaseOptions } from "./base.ts";
import { folderBase } from "./base-folder.ts";
import { archiveBase, isLayout, layoutBase, pulledBase } from "./base-image.ts";
import { scratchBase } from "./base-scratch.ts";

/** The first stage of the project's Dockerfile, published. */
export const defaultBase = "docker.io/microrun/base:3.22";

export interface OpenBaseOptions extends BaseOptions {
  readonly client: RegistryClient;
  /** Where the image goes: what lies in the same registry is mounted, not sent. */
  readonly destinations: readonly Reference[];
}

export async function openBase(options: OpenBaseOptions): Promise<Base> {
  const { what } = options;
  if (what === "scratch") return scratchBase(options);
  const { path, ...which } = placeOf(what);
  const stat = statSync(path, { throwIfNoEntry: false });
  const inside = { ...options, ...which };
  if (stat?.isDirectory() && isLayout(path)) return layoutBase(path, inside);
  if (stat?.isDirectory()) return folderBase(path, options);
  if (stat?.isFile()) return archiveBase(path, inside);
  if (/^\.{0,2}\/|\.(tar|tgz|tar\.gz)([:@]|$)/.test(what))
    throw usageError(
      `--base=${what}: no such file or folder`,
      "give an archive, a folder or an image's reference",
    );
  return registryBase(options);
}

/** `base.tar:1`, `base/@sha256:…`: a path, and which of its images. What else has a colon is a registry's. */
function placeOf(what: string): { readonly path: string; readonly image?: string } {
  const whole = { path: what };
  if (existsSync(what)) return whole;
  const [, path, image] = /^((?:.*\/|.*\.tar|\.{0,2}\/.*?))[:@](.+)$/.exec(what) ?? [];
  return path !== undefined && image !== undefined && existsSync(path) ? { path, image } : whole;
}

async function registryBase(options: OpenBaseOptions): Promise<Base> {
  const { client, what, platform, destinations, cache } = options;
  const reference = parseReference(what);
  const { registry, repository } = reference;
  const artifact = await client
    .pull(reference, platform, { progress: cache.progress })
    .catch((error: unknown) => Promise.reject(what === defaultBase ? withoutDefault(error) : error));
  const mounts = destinations.every((to) => to.registry === registry && to.repository !== repository);
  const { tag = "latest", digest, ...named } = reference;
  const name = referenceText(digest === undefined ? { ...named, tag } : { ...named, digest });
  const origin = { name, digest: digest ?? artifact.root.digest };
  return pulledBase(artifact, origin, mounts ? repository : undefined, options);
}

/** It comes from the network, and that may be what is missing. */
function withoutDefault(error: unknown): MicrorunError {
  const { code, message } = MicrorunError.from(error);
  return new MicrorunError(code, `the default base cannot be had: ${message}`, {
    hint: `make it of the project's Dockerfile: docker build --target base -t ${defaultBase} ., docker save it and give --base FILE; or use --base=scratch`,
    cause: error,
  });
}
