/** What goes into an image: the bundled module, the runtime of each platform, and what the line says of them. */
import { join } from "node:path";
import { cacheFolder } from "../../cache-folder.ts";
import { usageError } from "../../errors.ts";
import type { Progress } from "../../progress.ts";
import { shipping } from "../../shipping.ts";
import { readModuleFacts } from "../command/module-facts.ts";
import { version } from "../command/self.ts";
import type { Environment } from "../flags/values.ts";
import type { ImageSettings } from "./image-settings.ts";
import { ownAnnotations } from "./image-values.ts";

export interface Circumstances {
  /** Who asks, for people. */
  readonly command: string;
  readonly env: Environment;
  /** The same, with the cache that is used. */
  readonly cacheEnv: Environment;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

type Bundle = Awaited<ReturnType<Awaited<ReturnType<typeof shipping.bundle>>["bundle"]>>;
type ShipmentOptions = Parameters<Awaited<ReturnType<typeof shipping.image>>["makeShipment"]>[0];

export interface App extends Bundle {
  /** Where it lies in the image. */
  readonly folder: string;
  /** What the module says of itself. */
  readonly about: { readonly name: string; readonly version?: string };
}

/** Its notes go to stderr. */
export async function bundledApp(
  module: string,
  settings: ImageSettings,
  { command }: Circumstances,
): Promise<App> {
  const { name, version: own } = await readModuleFacts(command, module);
  const { bundle, bundleFolder } = await shipping.bundle();
  const app = await bundle({ ...settings.bundle, module });
  for (const note of app.notes) process.stderr.write(`note: ${note}\n`);
  return { ...app, folder: bundleFolder, about: own === undefined ? { name } : { name, version: own } };
}

export async function shipmentOptions(
  app: App,
  settings: ImageSettings,
  how: Circumstances & Pick<ShipmentOptions, "client">,
): Promise<ShipmentOptions> {
  const { references, output, seconds, sbom, annotations, container, base, platforms, compression } =
    settings;
  const { defaultBase } = await shipping.image();
  return {
    platforms,
    compression,
    base: base ?? defaultBase,
    ...(output === undefined ? { destinations: references } : {}),
    runtime: await runtimeOf(app, settings, how),
    app,
    facts: { ...container, version },
    annotations: { ...ownAnnotations(app.about, seconds), ...annotations },
    ...(sbom ? { sbom: { ...app.about, inputs: app.inputs, bun: Bun.version } } : {}),
    ...(seconds === undefined ? {} : { seconds }),
    client: how.client,
    cacheFolder: join(cacheFolder(how.cacheEnv), "layers"),
    signal: how.signal,
    progress: how.progress,
  };
}

async function runtimeOf(
  { addons }: App,
  { bun }: ImageSettings,
  { cacheEnv: env, signal, progress }: Circumstances,
): Promise<ShipmentOptions["runtime"]> {
  const { runtimeExecutable } = await shipping.runtime();
  const { ownTarget, parseTarget } = await shipping.targets();
  return async ({ arch, libc }) => {
    const target = parseTarget(`linux-${arch}${libc === "musl" ? "-musl" : ""}`);
    if (addons.length > 0 && target.name !== (await ownTarget()).name)
      throw usageError(
        `cannot make an image for ${target.name}: ${addons[0]} is a native addon of this machine's`,
        "make it on a machine of that platform, or give a base of this one's, such as --base=scratch",
      );
    return runtimeExecutable({ target, ...(bun === undefined ? {} : { bun }), env, signal, progress });
  };
}
