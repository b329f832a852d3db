/** A client of OCI registries: the distribution specification 1.1, as far as images need it. */
import type { Log } from "../log.ts";
import { silentLog } from "../log.ts";
import type { Progress } from "../progress.ts";
import type { Artifact, Platform } from "./artifact.ts";
import { blobCache } from "./blob-cache.ts";
import { findCredentials } from "./credentials.ts";
import { pull } from "./pull.ts";
import { type Pushed, push } from "./push.ts";
import { type Reference, referenceText } from "./reference.ts";
import { registryConnection } from "./registry-connection.ts";
import { registryLogin } from "./registry-login.ts";
import { registrySession, type Session } from "./registry-session.ts";

export interface RegistryOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** PEM of authorities that are believed besides the machine's. */
  readonly ca?: string;
  /** Takes any certificate, and none. @default false; registries of this machine need no certificate */
  readonly insecure?: boolean;
  readonly signal: AbortSignal;
  readonly log?: Log;
  /** Where pulled contents lie by digest. @default `microrun/blobs` in the user's cache folder */
  readonly cacheFolder?: string;
}

export interface RegistryClient {
  /**
   * Without a platform an index with all that it names, else the one image of it.
   * @throws MicrorunError `not_found`, `unauthenticated`, `permission_denied`, `resource_exhausted`, `unavailable`, `data_loss`
   */
  pull(
    reference: Reference,
    platform?: Platform,
    options?: { readonly progress?: Progress },
  ): Promise<Artifact>;
  /** The reference's own tag is set unless `tags` says which; none at all: it is there by digest. */
  push(reference: Reference, artifact: Artifact, options?: PushSettings): Promise<Pushed>;
}

export interface PushSettings {
  /** @default the reference's, else `latest`, unless it has a digest */
  readonly tags?: readonly string[];
  readonly progress?: Progress;
}

export function registryClient(options: RegistryOptions): RegistryClient {
  const { env, ca, insecure = false, log = silentLog } = options;
  const cache = blobCache(env, options.cacheFolder);
  const session = (reference: Reference, what: "pull" | "push", scopes: readonly string[]): Session => {
    const halt = new AbortController();
    const signal = AbortSignal.any([options.signal, halt.signal]);
    const { registry } = reference;
    const connection = registryConnection({ registry, ca, insecure, signal, log });
    const login = registryLogin({
      registry,
      scopes,
      credentials: () => findCredentials(reference, { env, signal, log }),
      send: connection.send,
    });
    return registrySession({
      ...reference,
      what: `cannot ${what} ${referenceText(reference)}`,
      connection,
      login,
      signal,
      stop: (reason) => halt.abort(reason),
    });
  };
  return {
    pull: (reference, platform, { progress } = {}) =>
      pull({
        session: session(reference, "pull", [`repository:${reference.repository}:pull`]),
        name: referenceText(reference),
        version: reference.digest ?? reference.tag ?? "latest",
        platform,
        cache,
        progress,
      }),
    push: (reference, artifact, { tags = ownTags(reference), progress } = {}) => {
      const others = artifact.contents.flatMap(({ mountFrom }) =>
        mountFrom === undefined ? [] : [mountFrom],
      );
      const scopes = [
        `repository:${reference.repository}:pull,push`,
        ...[...new Set(others)].sort().map((name) => `repository:${name}:pull`),
      ];
      return push(artifact, { session: session(reference, "push", scopes), tags, progress });
    },
  };
}

function ownTags({ tag, digest }: Reference): readonly string[] {
  return tag !== undefined ? [tag] : digest !== undefined ? [] : ["latest"];
}
