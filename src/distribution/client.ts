/** The client of registries: a connection, a login and a session for each pull and push. */
import { type Reference, referenceText } from "../image-reference.ts";
import { type Log, silentLog } from "../log.ts";
import { blobCache } from "./blob-cache.ts";
import { registryConnection } from "./connection.ts";
import { findCredentials } from "./credentials.ts";
import type { RegistryClient } from "./distribution.ts";
import { registryLogin } from "./login.ts";
import { pull } from "./pull.ts";
import { push } from "./push.ts";
import { registrySession, type Session } from "./session.ts";

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
