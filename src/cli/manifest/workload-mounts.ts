/** What is mounted into the container, and whether the files that its flags name can be there. */
import { readTls } from "../../certificates/certificates.ts";
import { usageError } from "../../errors.ts";
import type { Mount } from "../../shipping.ts";
import { clientFlags, portFlags } from "../flags/run-flags.ts";
import { type Environment, type Given, readFlags } from "../flags/values.ts";
import { readObjectName } from "./workload-values.ts";

/** Where our images have what they run. */
const taken: readonly (readonly [path: string, what: string])[] = [
  ["/app", "module"],
  ["/usr/local/bin", "runtime"],
];

/** `/etc/tls=secret/NAME` @throws MicrorunError `invalid_argument` */
export function readMounts(texts: readonly string[]): Mount[] {
  const mounts = texts.map(readMount);
  const paths = mounts.map(({ path }) => path);
  const twice = paths.find((path, at) => paths.indexOf(path) < at);
  if (twice !== undefined)
    throw usageError(`--mount=${twice}: said twice`, "mount one thing at each path of the container");
  return mounts;
}

function readMount(text: string): Mount {
  const [, path, what] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const form = "write it as /etc/tls=secret/NAME, configmap/NAME or emptydir";
  if (path === undefined || what === undefined)
    throw usageError(`--mount=${text}: what is there is not said`, form);
  if (!/^(\/(?!\.{1,2}(\/|$))[^:/\p{Cc}]+)+$/u.test(path))
    throw usageError(`--mount=${path}: not a path of the container`, form);
  const [, hidden] = taken.find(([own]) => `${own}/`.startsWith(`${path}/`)) ?? [];
  if (hidden !== undefined)
    throw usageError(
      `--mount=${path}: hides the ${hidden} that the image has there`,
      "mount it at another path, such as /data",
    );
  return what.toLowerCase() === "emptydir" ? { path } : { path, from: readObjectName("mount", what) };
}

/** Files of certificates and keys, which `run` checks where they are. @returns notes for people @throws MicrorunError `invalid_argument` */
export function checkFiles(given: Given, env: Environment, mounts: readonly Mount[]): string[] {
  const { tls_cert, tls_key, tls_ca } = readFlags(portFlags, given, env);
  const { client_tls_cert, client_tls_key, client_tls_ca } = readFlags(clientFlags, given, env);
  // it tells of the missing one before it reads any
  if ((tls_cert === undefined) !== (tls_key === undefined))
    readTls({ cert: tls_cert, key: tls_key, ca: undefined });
  if ((client_tls_cert === undefined) !== (client_tls_key === undefined))
    readTls({ cert: client_tls_cert, key: client_tls_key, ca: undefined }, "client_tls");
  if (tls_ca !== undefined && tls_cert === undefined)
    throw usageError("--tls_ca: useless without a certificate", "give --tls_cert and --tls_key too");
  const files = { tls_cert, tls_key, tls_ca, client_tls_cert, client_tls_key, client_tls_ca };
  return Object.entries(files).flatMap(([flag, path]) => {
    if (path === undefined) return [];
    if (!path.startsWith("/"))
      throw usageError(
        `--${flag}=${path}: not a path of the container`,
        `mount a Secret and name its file there: --mount=/etc/tls=secret/NAME --${flag}=/etc/tls/tls.crt`,
      );
    return mounts.some((mount) => path.startsWith(`${mount.path}/`))
      ? []
      : [`--${flag}=${path}: no --mount is above it, so the image has to have it`];
  });
}
