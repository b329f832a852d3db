/** What the flags of an image mean, checked before anything is made. */
import { readFile, stat } from "node:fs/promises";
import { parse } from "node:path";
import { usageError } from "../../errors.ts";
import { parseReference, type Reference } from "../../image-reference.ts";
import type { Values } from "../flags/flags.ts";
import type { containerFlags, pushFlags } from "../flags/image-flags.ts";
import type { Environment } from "../flags/values.ts";

/** Seconds since 1970 that eleven octal digits of a tar hold. */
const maxSeconds = 8 ** 11 - 1;
const maxPort = 65_535;
/** What container runtimes take. */
const maxId = 2 ** 31 - 1;

/** When all of it shall seem to be made (reproducible-builds.org/specs/source-date-epoch). */
export function readSeconds({ SOURCE_DATE_EPOCH: text }: Environment): number | undefined {
  if (!text) return undefined;
  if (/^\d+$/.test(text) && Number(text) <= maxSeconds) return Number(text);
  throw usageError(
    `SOURCE_DATE_EPOCH=${text}: not seconds since 1970`,
    "set it to a whole number, or unset it",
  );
}

export function readContainer({ user, expose, env, label }: Values<typeof containerFlags>): {
  user: string;
  ports: readonly string[];
  env: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
} {
  return { user: userAndGroup(user), ports: expose.map(port), env, labels: label };
}

/** A user alone would be given the group of root. */
function userAndGroup(text: string): string {
  const [, user, group = user] = /^(\d+)(?::(\d+))?$/.exec(text) ?? [];
  const form = "write it as UID:GID, such as 65532:65532";
  if (user === undefined) throw usageError(`--user=${text}: not a number`, form);
  if (Number(user) > maxId || Number(group) > maxId)
    throw usageError(`--user=${text}: more than ${maxId}`, form);
  return `${Number(user)}:${Number(group)}`;
}

function port(text: string): string {
  const [, number, protocol = "tcp"] = /^(\d+)(?:\/(tcp|udp))?$/.exec(text) ?? [];
  if (number !== undefined && Number(number) >= 1 && Number(number) <= maxPort)
    return `${Number(number)}/${protocol}`;
  throw usageError(`--expose=${text}: not a port`, "write it as 8080, 8080/tcp or 8080/udp");
}

interface Naming {
  readonly command: string;
  readonly isPushed: boolean;
}

/** Each with a tag. @param tags what `--tag` says */
export function readReferences(
  tags: readonly string[],
  module: string,
  { command, isPushed }: Naming,
): Reference[] {
  if (tags.length === 0 && isPushed)
    throw usageError(
      `${command}: where to push the image is not said`,
      "name it: -t registry.example/greeter:1; or write it: -o greeter.tar",
    );
  const stem =
    parse(module)
      .name.toLowerCase()
      .replace(/[^a-z0-9]+/g, "-")
      .replace(/^-|-$/g, "") || "service";
  return [...new Set(tags.length === 0 ? [stem] : tags)].map((text) => {
    const { digest, tag = "latest", ...name } = parseReference(text);
    if (digest !== undefined)
      throw usageError(
        `--tag=${text}: the digest is known when the image is made`,
        "give a tag in its place",
      );
    return { ...name, tag };
  });
}

/** A folder that is there, or is written as one, becomes a layout. */
export async function outputForm(path: string): Promise<{ path: string; form: "archive" | "layout" }> {
  if (/\.(tgz|gz|zst|tzst)$/.test(path))
    throw usageError(
      `-o ${path}: the archive is not compressed, its layers are`,
      `write -o ${path.replace(/\.(gz|zst)$/, "").replace(/\.(tgz|tzst)$/, ".tar")}`,
    );
  const found = await stat(path).catch(() => undefined);
  return { path, form: path.endsWith("/") || found?.isDirectory() ? "layout" : "archive" };
}

export async function readRegistry({
  registry_ca: path,
  allow_insecure_registry: insecure,
}: Values<typeof pushFlags>): Promise<{ insecure: boolean; ca?: string }> {
  if (path === undefined) return { insecure };
  const ca = await readFile(path, "utf8").catch(() => undefined);
  if (ca === undefined)
    throw usageError(`--registry_ca=${path}: cannot be read`, "give the path of a PEM file");
  if (!ca.includes("-----BEGIN CERTIFICATE-----"))
    throw usageError(`--registry_ca=${path}: it holds no certificate`, "give a file in PEM form");
  return { insecure, ca };
}

/** What a module and a date say by themselves. */
export function ownAnnotations(
  { name, version }: { readonly name: string; readonly version?: string },
  seconds: number | undefined,
): Record<string, string> {
  const prefix = "org.opencontainers.image";
  return {
    [`${prefix}.title`]: name,
    ...(version === undefined ? {} : { [`${prefix}.version`]: version }),
    ...(seconds === undefined ? {} : { [`${prefix}.created`]: new Date(seconds * 1000).toISOString() }),
  };
}
