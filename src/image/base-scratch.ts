/** The base `scratch`: no more than the runtime needs, taken from this machine. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { MicrorunError, usageError } from "../errors.ts";
import { platformText, samePlatform } from "../oci.ts";
import type { Base, BaseOptions, Libc } from "./base.ts";
import type { Compression } from "./compression.ts";
import { elfNeeds } from "./elf.ts";
import { type Layer, smallLayer } from "./layer.ts";
import { nodeArch, ownPlatform } from "./platform.ts";
import { type TarEntry, tarStream } from "./tar.ts";
import { withFolders } from "./tree.ts";

/** Where systems keep the certificates of the authorities that they trust. */
const certificates = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/cert.pem",
];
const certificateFile = "etc/ssl/certs/ca-certificates.crt";

/** What glibc loads by itself, when it looks up names of hosts; those of later versions need none of it. */
const lookup = ["libresolv.so.2", "libnss_dns.so.2", "libnss_files.so.2"];

const etc: Readonly<Record<string, string>> = {
  "etc/passwd": "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/app:/sbin/nologin\n",
  "etc/group": "root:x:0:\nnonroot:x:65532:\n",
  // without, glibc asks DNS before /etc/hosts
  "etc/nsswitch.conf": "hosts: files dns\n",
};

export function scratchBase({ what, platform, compression }: BaseOptions): Base {
  if (process.platform !== "linux" || !samePlatform(platform, ownPlatform()))
    throw usageError(
      `--base=scratch: the libraries come from this machine, which is not ${platformText(platform)}`,
      "give a base by its reference, an archive or a folder",
    );
  const libc: Libc = existsSync(`/lib/ld-musl-${nodeArch(platform) === "x64" ? "x86_64" : "aarch64"}.so.1`)
    ? "musl"
    : "glibc";
  return {
    what,
    platform,
    libc,
    env: [`SSL_CERT_FILE=/${certificateFile}`],
    labels: {},
    layersFor: async (executable) => [await librariesLayer(executable, compression)],
  };
}

async function librariesLayer(executable: string, compression: Compression): Promise<Layer> {
  const files: TarEntry[] = [{ path: "tmp", type: "folder", mode: 0o1777 }];
  for (const path of await libraryPaths(executable))
    files.push({ path: path.slice(1), type: "file", mode: 0o755, content: await readFile(path) });
  for (const [path, text] of Object.entries(etc))
    files.push({ path, type: "file", mode: 0o644, content: new TextEncoder().encode(text) });
  const trusted = certificates.find((path) => existsSync(path));
  if (trusted !== undefined)
    files.push({ path: certificateFile, type: "file", mode: 0o644, content: await readFile(trusted) });
  return smallLayer(tarStream(withFolders(files)), compression, "libraries of the runtime");
}

/** All that an executable loads, where this machine has it. */
async function libraryPaths(executable: string): Promise<string[]> {
  const needs = await elfNeeds(Bun.file(executable));
  if (needs?.loader === undefined) return [];
  const { loader } = needs;
  const found = new Map([[loader.replace(/^.*\//, ""), loader]]);
  const open = [...needs.libraries];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (found.has(name)) continue;
    const path = libraryFolders(loader)
      .map((folder) => join(folder, name!))
      .find((path) => existsSync(path));
    if (path === undefined)
      throw new MicrorunError(
        "not_found",
        `--base=scratch: this machine has no ${name}, which the runtime needs`,
        {
          hint: "install it, or give a base by its reference, an archive or a folder",
        },
      );
    found.set(name, path);
    open.push(...((await elfNeeds(Bun.file(path)))?.libraries ?? []));
    if (name === "libc.so.6") open.push(...lookup.filter((extra) => existsSync(join(dirname(path), extra))));
  }
  return [...found.values()];
}

/** Where a loader looks by itself. */
function libraryFolders(loader: string): string[] {
  const machine = /x86[-_]64/.test(loader) ? "x86_64" : "aarch64";
  return [
    `/lib/${machine}-linux-gnu`,
    `/usr/lib/${machine}-linux-gnu`,
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
  ];
}
