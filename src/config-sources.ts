/** What `--config` says → the sources of configuration that it names. Adding a kind of source is a line here. */
import type { ConfigSource } from "./config/config.ts";
import { parseSourceAddress, type SourceAddress, shownAddress } from "./config/source-address.ts";
import { didYouMean, usageError } from "./errors.ts";
import type { Log } from "./log.ts";
import type { Plugins } from "./plugins.ts";
import type { KubernetesSettings } from "./settings.ts";

/** What a source of configuration may need to be made. */
export interface ConfigOptions {
  readonly kubernetes: KubernetesSettings;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

interface AddressedOptions extends ConfigOptions {
  readonly address: SourceAddress;
  /** The connection that all sources of a cluster have together. */
  readonly cluster: () => ReturnType<typeof import("./kubernetes/api/cluster.ts")["openCluster"]>;
}

const clusterObject =
  (kind: "configmap" | "secret") =>
  async (options: AddressedOptions): Promise<ConfigSource> => {
    const { readEntries } = await import("./config/documents.ts");
    const { configMapSource } = await import("./kubernetes/config/config-source.ts");
    return configMapSource({ ...options, kind, read: readEntries });
  };

/** By the scheme of a source's address. */
export const configs: Plugins<ConfigSource, AddressedOptions> = {
  env: async ({ address, env }) => {
    const { strip } = checkedQuery(address, ["strip"]);
    return (await import("./config/env.ts")).envSource(env, { prefix: address.path, strip });
  },
  file: async ({ address, log }) => {
    const { text, path } = address;
    const switches = checkedQuery(address, ["required", "optional", "secret"], ["format"]);
    const format = address.query.get("format");
    if (format !== undefined && format !== "lines" && format !== "raw")
      throw usageError(
        `--config=${shownAddress(text)}: no such format: ${format}`,
        "use format=lines or format=raw",
      );
    if (path === "")
      throw usageError(`--config=${shownAddress(text)}: names no file`, "write file:./config.yaml");
    const { fileSource } = await import("./config/file.ts");
    return fileSource(path, { log, ...switches, ...(format === undefined ? {} : { format }) });
  },
  configmap: clusterObject("configmap"),
  secret: clusterObject("secret"),
};

/** @throws MicrorunError `invalid_argument` for what cannot be a source */
export function configAddress(text: string): SourceAddress {
  const address = parseSourceAddress(text);
  if (Object.hasOwn(configs, address.scheme)) return withoutUser(address);
  const known = Object.keys(configs);
  throw usageError(
    `--config=${shownAddress(text)}: no such source: ${address.scheme}${didYouMean(address.scheme, known)}`,
    `use one of ${known.map((scheme) => `${scheme}:`).join(", ")}`,
  );
}

/** No source has one, and names of sources are logged. */
function withoutUser(address: SourceAddress): SourceAddress {
  const { text } = address;
  if (!/:\/\/[^/?][^?]*@/.test(text)) return address;
  throw usageError(
    `--config=${shownAddress(text)}: a source has no user`,
    "leave out what ends with @, or write a file's path as file:./…",
  );
}

/** @param texts as `--config` has them @throws MicrorunError `invalid_argument` */
export function openSources(texts: readonly string[], options: ConfigOptions): Promise<ConfigSource[]> {
  let connection: Promise<AddressedOptions["cluster"]> | undefined;
  const connect = async (): Promise<AddressedOptions["cluster"]> => {
    const { sharedCluster } = await import("./kubernetes/api/shared-cluster.ts");
    const { openCluster } = await import("./kubernetes/api/cluster.ts");
    const { kubernetes, env, log } = options;
    return sharedCluster(() => openCluster({ ...kubernetes, env, log }));
  };
  const cluster: AddressedOptions["cluster"] = async () => {
    connection ??= connect();
    return (await connection)();
  };
  return Promise.all(
    texts.map(async (text) => {
      const address = configAddress(text);
      const source = await configs[address.scheme]!({ ...options, address, cluster });
      return { ...source, name: sourceName(address) };
    }),
  );
}

/** As written, but for what says nothing of where it is. */
function sourceName({ text, query }: SourceAddress): string {
  const [place = ""] = text.split("?");
  const parts = [...query].filter(([key]) => key !== "required" && key !== "optional");
  const written = parts.map(([key, value]) => (value === "" ? key : `${key}=${value}`));
  return written.length === 0 ? place : `${place}?${written.join("&")}`;
}

/** Switches that are set, no other words than are known. */
function checkedQuery<const S extends string>(
  { text, query }: SourceAddress,
  switches: readonly S[],
  values: readonly string[] = [],
): Record<S, boolean> {
  const known: readonly string[] = [...switches, ...values];
  const wrong = (why: string, hint: string) => usageError(`--config=${shownAddress(text)}: ${why}`, hint);
  const stranger = [...query.keys()].find((key) => !known.includes(key));
  if (stranger !== undefined)
    throw wrong(
      `no such option: ${stranger}${didYouMean(stranger, known)}`,
      `use one of ${known.join(", ")}`,
    );
  const set = Object.fromEntries(
    switches.map((key) => {
      const value = query.get(key);
      if (value === undefined || ["", "true", "false"].includes(value))
        return [key, value !== undefined && value !== "false"];
      throw wrong(`${key} is neither true nor false`, `write ${key}, or leave it out`);
    }),
  ) as Record<S, boolean>;
  const { required, optional } = set as Record<string, boolean>;
  if (required && optional) throw wrong("it cannot be required and optional", "leave out one of them");
  return set;
}
