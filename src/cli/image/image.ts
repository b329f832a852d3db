/** `microrun image`: a container image of a module, written or pushed, without Docker. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder, usableCache } from "../../cache-folder.ts";
import { MicrorunError } from "../../errors.ts";
import { referenceText } from "../../image-reference.ts";
import type { Progress } from "../../progress.ts";
import { shipping } from "../../shipping.ts";
import type { Input } from "../command/command.ts";
import { stopSignal, toolLog } from "../command/discovery.ts";
import { progressBar } from "../command/progress.ts";
import { written } from "../command/written.ts";
import { imageOutputFlags } from "../flags/image-flags.ts";
import { readFlags } from "../flags/values.ts";
import { moduleToShip } from "./build.ts";
import { bundledApp, type Circumstances, shipmentOptions } from "./image-contents.ts";
import { checkOutputs } from "./image-outputs.ts";
import { readImageSettings } from "./image-settings.ts";
import { byDigest, layersText, pushedText } from "./image-text.ts";
import { sign } from "./sign.ts";

export async function start(input: Input): Promise<number> {
  const { output, digest_file: digestFile } = readFlags(imageOutputFlags, input.given, {});
  await makeImage(input, {
    command: "image",
    ...(output === undefined ? {} : { output }),
    ...(digestFile === undefined ? {} : { digestFile }),
    done: (reference) => process.stdout.write(`${reference}\n`),
  });
  return 0;
}

export interface MakeImageOptions {
  /** Who asks, for people. */
  readonly command: string;
  /** Where to write it. @default it is pushed */
  readonly output?: string;
  /** Where to write its digest. @default nowhere */
  readonly digestFile?: string;
  readonly signal?: AbortSignal;
  /** Told of each repository, as soon as the image is there and signed. */
  readonly done?: (reference: string) => void;
}

/** Reads its own flags of the line; says on stderr what was made. @returns `registry/repository@sha256:…`, one of each repository */
export async function makeImage(input: Input, options: MakeImageOptions): Promise<readonly string[]> {
  const { command, output, signal = stopSignal() } = options;
  const module = await moduleToShip(command, input);
  const { given, env } = input;
  const settings = await readImageSettings(given, env, { command, module, output });
  await using cache = await usableCache(env);
  if (cache.fault !== undefined)
    say(`note: nothing is kept for the next time (${cache.fault}): name a folder by XDG_CACHE_HOME`);
  using bar = progressBar(process.stderr, { env });
  const progress: Progress = (step) => {
    // between any two pieces of what takes long it can be stopped
    signal.throwIfAborted();
    bar.step(step);
  };
  try {
    return await delivered(module, settings, { ...options, env, cacheEnv: cache.env, signal, progress });
  } catch (error) {
    throw signal.aborted ? new MicrorunError("cancelled", `${command}: stopped`) : error;
  }
}

async function delivered(
  module: string,
  settings: Awaited<ReturnType<typeof readImageSettings>>,
  how: Circumstances & MakeImageOptions,
): Promise<readonly string[]> {
  const { command, env, signal, progress, done } = how;
  const { references } = settings;
  const app = await bundledApp(module, settings, how);
  const { output, digestFile } = await checkOutputs({ ...how, output: settings.output, sources: app.inputs });
  const { makeShipment, writeShipment, pushShipment } = await shipping.image();
  const { registryClient } = await shipping.registry();
  const client = registryClient({
    ...settings.registry,
    env,
    signal,
    log: toolLog(env),
    cacheFolder: join(cacheFolder(how.cacheEnv), "blobs"),
  });
  const shipment = await written(
    command,
    makeShipment(await shipmentOptions(app, settings, { ...how, client })),
  );
  say(layersText(shipment.sizes));
  const { digest } = shipment.image.root;
  const there: string[] = [];
  const told = (reference: string) => {
    there.push(reference);
    done?.(reference);
  };
  if (output !== undefined) {
    const { seconds } = settings;
    const about = { references, progress, ...(seconds === undefined ? {} : { seconds }) };
    await written(command, writeShipment(shipment, output, about));
    say(`wrote ${how.output}`);
    byDigest(references, digest).forEach(told);
  } else {
    for await (const pushed of pushShipment(shipment, references, { client, progress })) {
      say(pushedText(pushed));
      const reference = referenceText(pushed.reference);
      if (settings.sign !== undefined) await sign(settings.sign, reference, { env, signal });
      told(reference);
    }
  }
  if (digestFile !== undefined) await written(command, writeFile(digestFile, `${digest}\n`));
  return there;
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
