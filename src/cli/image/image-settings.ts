/** All that a line says of an image, checked before anything is made. */
import { usageError } from "../../errors.ts";
import type { Reference } from "../../image-reference.ts";
import { shipping } from "../../shipping.ts";
import { bundleFlags, runtimeFlags } from "../flags/build-flags.ts";
import { containerFlags, contentFlags, pushFlags } from "../flags/image-flags.ts";
import { type Environment, type Given, readFlags } from "../flags/values.ts";
import { outputForm, readContainer, readReferences, readRegistry, readSeconds } from "./image-values.ts";
import { readSigner } from "./sign.ts";

export interface Asked {
  /** Who asks, for people. */
  readonly command: string;
  readonly module: string;
  /** Where to write it; undefined: it is pushed. */
  readonly output: string | undefined;
}

type Shipping = Awaited<ReturnType<typeof shipping.image>>;
type ShipmentOptions = Parameters<Shipping["makeShipment"]>[0];

export interface ImageSettings {
  readonly references: readonly Reference[];
  readonly output: Parameters<Shipping["writeShipment"]>[1] | undefined;
  readonly base: string | undefined;
  readonly platforms: ShipmentOptions["platforms"];
  readonly container: ReturnType<typeof readContainer>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly compression: ShipmentOptions["compression"];
  readonly sbom: boolean;
  readonly seconds: number | undefined;
  readonly registry: Awaited<ReturnType<typeof readRegistry>>;
  /** The command and its words. */
  readonly sign: readonly string[] | undefined;
  /** Path of a Bun executable. */
  readonly bun: string | undefined;
  readonly bundle: {
    readonly proto: readonly string[];
    readonly include: readonly string[];
    readonly minify: boolean;
  };
}

export async function readImageSettings(
  given: Given,
  env: Environment,
  { command, module, output }: Asked,
): Promise<ImageSettings> {
  const push = readFlags(pushFlags, given, {});
  const { base, platform } = readFlags(contentFlags, given, {});
  const { runtime: bun } = readFlags(runtimeFlags, given, {});
  const container = readFlags(containerFlags, given, {});

  const references = readReferences(push.tag, module, { command, isPushed: output === undefined });
  const { parsePlatform, ownPlatform } = await shipping.platform();
  const asked = [...new Set(platform)].map(parsePlatform);
  if (bun !== undefined && asked.length > 1)
    throw usageError(
      `--runtime=${bun}: is of one platform, --platform names ${asked.length}`,
      "make the image of each platform by itself, or leave out --runtime",
    );
  if (push.sign !== undefined && output !== undefined)
    throw usageError("--sign: signs what is pushed, and with -o nothing is", "leave out one of them");
  return {
    references,
    output: output === undefined ? undefined : await outputForm(output),
    base,
    platforms: asked.length > 0 ? asked : [ownPlatform()],
    container: readContainer(container),
    annotations: container.annotation,
    compression: container.compression === "zstd" ? "zstd" : "gzip",
    sbom: container.sbom,
    seconds: readSeconds(env),
    registry: await readRegistry(push),
    sign: push.sign === undefined ? undefined : readSigner(push.sign, env),
    bun,
    bundle: readFlags(bundleFlags, given, {}),
  };
}
