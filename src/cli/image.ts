/** `microrun image`: a container image of a module, written or pushed, without Docker. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../cache-folder.ts";
import { MicrorunError, usageError } from "../errors.ts";
import { shipping } from "../plugins.ts";
import type { Progress } from "../progress.ts";
import { moduleToShip } from "./build.ts";
import type { Input } from "./command.ts";
import { stopSignal, toolLog } from "./discovery.ts";
import { imageOutputFlags } from "./image-flags.ts";
import { type ImageSettings, readImageSettings } from "./image-settings.ts";
import { byDigest, shipmentText } from "./image-text.ts";
import { ownAnnotations } from "./image-values.ts";
import { readModuleFacts } from "./module-facts.ts";
import { progressBar } from "./progress.ts";
import { version } from "./self.ts";
import { sign } from "./sign.ts";
import { readFlags } from "./values.ts";
import { written } from "./written.ts";

export async function start(input: Input): Promise<number> {
  const { output, digest_file: digestFile } = readFlags(imageOutputFlags, input.given, {});
  const made = await makeImage(input, { command: "image", ...(output === undefined ? {} : { output }) });
  if (digestFile !== undefined) await written("image", writeFile(digestFile, `${made.digest}\n`));
  process.stdout.write(made.references.map((reference) => `${reference}\n`).join(""));
  return 0;
}

export interface MakeImageOptions {
  /** Who asks, for people. */
  readonly command: string;
  /** Where to write it. @default it is pushed */
  readonly output?: string;
  readonly signal?: AbortSignal;
}

export interface MadeImage {
  /** `registry/repository@sha256:…`, one of each repository. */
  readonly references: readonly string[];
  readonly digest: string;
}

/** Reads its own flags of the line; says on stderr what was made. */
export async function makeImage(
  input: Input,
  { command, output, signal = stopSignal() }: MakeImageOptions,
): Promise<MadeImage> {
  const module = await moduleToShip(command, input);
  const { given, env } = input;
  const settings = await readImageSettings(given, env, { command, module, output });
  using bar = progressBar(process.stderr, { env });
  const progress: Progress = (step) => {
    // between any two pieces of what takes long it can be stopped
    signal.throwIfAborted();
    bar.step(step);
  };
  try {
    const made = await written(command, shipped(module, settings, { command, env, signal, progress }));
    process.stderr.write(shipmentText(made, output));
    const references = byDigest(settings.references, made.digest);
    if (settings.sign !== undefined)
      for (const reference of references) await sign(settings.sign, reference, { env, signal });
    return { references, digest: made.digest };
  } catch (error) {
    throw signal.aborted ? new MicrorunError("cancelled", `${command}: stopped`) : error;
  }
}

interface Circumstances extends Pick<Input, "env"> {
  readonly command: string;
  readonly signal: AbortSignal;
  readonly progress: Progress;
}

async function shipped(module: string, settings: ImageSettings, { command, ...how }: Circumstances) {
  const { output, seconds, sbom, annotations, container, base, bun, bundle: asked, ...rest } = settings;
  const { name, version: own } = await readModuleFacts(command, module);
  const about = own === undefined ? { name } : { name, version: own };
  const { bundle, bundleFolder } = await shipping.bundle();
  const app = await bundle({ ...asked, module });
  for (const note of app.notes) process.stderr.write(`note: ${note}\n`);
  const { ship, defaultBase } = await shipping.image();
  const { registryClient } = await shipping.registry();
  return ship({
    ...rest,
    ...how,
    base: base ?? defaultBase,
    runtime: await runtimeOf({ ...how, bun, addons: app.addons }),
    app: { ...app, folder: bundleFolder },
    facts: { ...container, version },
    annotations: { ...ownAnnotations(about, seconds), ...annotations },
    ...(output === undefined ? {} : { output }),
    ...(sbom ? { sbom: { ...about, inputs: app.inputs, bun: Bun.version } } : {}),
    ...(seconds === undefined ? {} : { seconds }),
    client: registryClient({ ...settings.registry, ...how, log: toolLog(how.env) }),
    cacheFolder: join(cacheFolder(how.env), "layers"),
  });
}

interface RuntimeSettings extends Omit<Circumstances, "command"> {
  readonly bun: string | undefined;
  /** Of the module, made for this machine. */
  readonly addons: readonly string[];
}

async function runtimeOf({ bun, addons, ...how }: RuntimeSettings) {
  const { runtimeExecutable } = await shipping.runtime();
  const { ownTarget, parseTarget } = await shipping.targets();
  return async ({ arch, libc }: { arch: "x64" | "arm64"; libc: "glibc" | "musl" }): Promise<string> => {
    const target = parseTarget(`linux-${arch}${libc === "musl" ? "-musl" : ""}`);
    if (addons.length > 0 && target.name !== (await ownTarget()).name)
      throw usageError(
        `cannot make an image for ${target.name}: ${addons[0]} is a native addon of this machine's`,
        "make it on a machine of that platform, or give a base of this one's, such as --base=scratch",
      );
    return runtimeExecutable({ target, ...(bun === undefined ? {} : { bun }), ...how });
  };
}
