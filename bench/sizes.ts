/** What is shipped: sizes, the time to make it, what a changed line pushes, the start in a root of its own; beside go-micro v2. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { registryBinaries, startRegistry } from "../test/oci-registry.ts";
import { peer } from "../test/peers.ts";
import type { Children } from "./children.ts";
import { countingRelay } from "./counting-relay.ts";
import { type Figures, pushedOfChange } from "./figures.ts";
import { firstReply, freePort, grpcRequest } from "./first-reply.ts";

export interface Shipping extends AsyncDisposable {
  measure(found: Figures): Promise<void>;
}

/** What a build, an image or a push may take; the first fetches Bun for the runtime layer. */
const limitMs = 300_000;
/** The two that are compared. */
const ours = "microrun";
const theirs = "go-micro v2";

export async function openShipping(microrun: string, owned: Children): Promise<Shipping> {
  if (process.getuid?.() !== 0)
    throw new Error(
      "sizes: starts services in roots of their own: run it as root, or leave it out by --only",
    );
  const [goMicro, binaries] = [await peer("v2"), await registryBinaries()];
  if (goMicro === undefined || binaries === undefined)
    throw new Error("there is no Go to build go-micro v2 and a registry with");
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "microrun-bench-"));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  const registry = stack.use(await startRegistry(binaries.registry));
  const relay = stack.use(await countingRelay(registry.port));

  cpSync(join(import.meta.dir, "../examples/greeter"), join(folder, "app"), { recursive: true });
  const module = join(folder, "app/greeter.ts");
  const source = readFileSync(module, "utf8");
  const layout = join(folder, "layout");
  const image = ["image", module, "--base=scratch"];
  const push = [...image, `--tag=127.0.0.1:${relay.port}/greeter:1`, "--allow_insecure_registry"];
  const run = async (args: readonly string[]): Promise<number> => {
    const began = performance.now();
    await owned.run([microrun, ...args], limitMs);
    return performance.now() - began;
  };
  await run([...image, `--output=${layout}/`]); // the layers that do not change are made, and cached, once
  await run(push);
  const packedGo = packedMegabytes(goMicro);
  const roots: Readonly<Record<string, string>> = {
    [ours]: imageRoot(layout, join(folder, "ours")),
    [theirs]: join(folder, "theirs"),
  };
  mkdirSync(join(roots[theirs]!, "proc"), { recursive: true });
  cpSync(goMicro, join(roots[theirs]!, "greeter"));

  let round = 0;
  const owning = stack.move();
  return {
    async measure(found) {
      const add = (what: string, unit: "MB" | "kB" | "ms", server: string, value: number): void =>
        found.add("shipping", what, unit, server, value);
      const executable = join(folder, "greeter");
      add("time of build", "ms", ours, await run(["build", module, `--output=${executable}`]));
      add("executable", "MB", ours, megabytes(executable));
      add("executable", "MB", theirs, megabytes(goMicro));
      add("executable, gzip", "MB", ours, packedMegabytes(executable));
      add("executable, gzip", "MB", theirs, packedGo);
      add("time of image, runtime layer cached", "ms", ours, await run([...image, `--output=${layout}/`]));
      add("image, compressed", "MB", ours, layersOf(layout).reduce((sum, { size }) => sum + size, 0) / 1e6);
      add("image, compressed", "MB", theirs, packedGo);

      round += 1;
      writeFileSync(module, source.replace("Hello $", `Hello ${round} $`));
      const before = relay.sent;
      add("time of push after a one-line change", "ms", ours, await run(push));
      add(pushedOfChange, "kB", ours, (relay.sent - before) / 1e3);
      add(pushedOfChange, "kB", theirs, packedGo * 1e3); // its only layer is the executable
      writeFileSync(module, source);

      const port = await freePort();
      const address = `127.0.0.1:${port}`;
      const commands = {
        [ours]: [
          "/usr/local/bin/microrun",
          "/app/greeter.js",
          `--server_address=${address}`,
          "--registry=memory",
        ],
        [theirs]: ["/greeter", "serve", `--address=${address}`],
      };
      for (const [server, command] of Object.entries(commands)) {
        const began = performance.now();
        await using child = owned.serve([...contained(roots[server]!), ...command]);
        await Promise.race([firstReply(port, grpcRequest), child.died]);
        add("start to first reply in a root of its own", "ms", server, performance.now() - began);
      }
    },
    [Symbol.asyncDispose]: () => owning[Symbol.asyncDispose](),
  };
}

const megabytes = (path: string): number => statSync(path).size / 1e6;
const packedMegabytes = (path: string): number => gzipSync(readFileSync(path)).length / 1e6;

/** As a container's: another root, another user, /proc. */
function contained(root: string): readonly string[] {
  const script =
    'mount --rbind /proc "$1/proc"; root="$1"; shift; exec chroot --userspec=65532:65532 "$root" "$@"';
  return ["unshare", "--mount", "--propagation=private", "sh", "-ec", script, "sh", root];
}

interface Descriptor {
  readonly digest: string;
  readonly size: number;
}

function layersOf(layout: string): readonly Descriptor[] {
  const read = (path: string): Record<string, unknown> =>
    JSON.parse(readFileSync(join(layout, path), "utf8"));
  const [image] = read("index.json").manifests as Descriptor[];
  return read(blobPath(image!)).layers as Descriptor[];
}

const blobPath = ({ digest }: Descriptor): string => `blobs/${digest.replace(":", "/")}`;

/** The root that the image's layers make. */
function imageRoot(layout: string, root: string): string {
  mkdirSync(join(root, "proc"), { recursive: true });
  for (const layer of layersOf(layout)) {
    const { exitCode, stderr } = Bun.spawnSync(["tar", "-xzf", join(layout, blobPath(layer)), "-C", root]);
    if (exitCode !== 0) throw new Error(`cannot unpack ${layer.digest}: ${stderr}`);
  }
  return root;
}
