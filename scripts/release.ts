/** Makes all that is released, into one folder: executables, checksums, bill of materials, npm and JSR packages. Publishes nothing. */
import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../package.json" with { type: "json" };
import { targets as allTargets, parseTarget, type Target } from "../src/build/targets.ts";
import { type PackedFile, writeTarball, writeZip } from "./release/archive.ts";
import { changelogEntry } from "./release/changelog.ts";
import { releasedExecutables } from "./release/executables.ts";
import { writeJsrPackage } from "./release/jsr-package.ts";
import { writeNpmPackages } from "./release/npm-packages.ts";
import { billOfMaterials } from "./release/sbom.ts";

const usage = `usage: npm run release -- [--targets linux-x64,linux-x64-musl] [--out dist/release]
  --targets  the platforms, separated by commas (${allTargets.map(({ name }) => name).join(", ")})
  --out      the folder, which is made anew`;

const root = join(import.meta.dir, "..");
const { name, version } = manifest;

async function release(targets: readonly Target[], out: string): Promise<void> {
  changelogEntry(await Bun.file(join(root, "CHANGELOG.md")).text(), version);
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const work = join(out, "executables");
  const executables = await releasedExecutables(targets, work);

  const written: string[] = [];
  for (const [target, executable] of executables) written.push(await archive(out, target, executable));
  written.push(...(await writeNpmPackages(join(out, "npm"), executables)));
  const bill = join(out, `${name}-${version}.cdx.json`);
  await Bun.write(bill, `${JSON.stringify(billOfMaterials(), null, 2)}\n`);
  written.push(bill);
  await writeJsrPackage(join(out, "jsr"));
  await writeChecksums(out, written);
  await rm(work, { recursive: true });
}

async function archive(out: string, { name: platform, os }: Target, executable: string): Promise<string> {
  const stem = `${name}-${version}-${platform}`;
  const text = (file: string): PackedFile => ({
    path: `${stem}/${file}`,
    mode: 0o644,
    content: Bun.file(join(root, file)),
  });
  const program = os === "windows" ? `${name}.exe` : name;
  const files: PackedFile[] = [
    { path: `${stem}/${program}`, mode: 0o755, content: Bun.file(executable) },
    text("README.md"),
    text("CHANGELOG.md"),
  ];
  const outfile = join(out, os === "windows" ? `${stem}.zip` : `${stem}.tar.gz`);
  await (os === "windows" ? writeZip : writeTarball)(outfile, files);
  return outfile;
}

/** As `sha256sum --check SHA256SUMS` reads them. */
async function writeChecksums(out: string, files: readonly string[]): Promise<void> {
  const lines: string[] = [];
  for (const file of files) {
    const hash = createHash("sha256");
    for await (const chunk of Bun.file(file).stream()) hash.update(chunk);
    const path = relative(out, file).replaceAll("\\", "/");
    lines.push(`${hash.digest("hex")}  ${path}\n`);
    console.log(`${path}  ${(Bun.file(file).size / 1e6).toFixed(1)} MB`);
  }
  await Bun.write(join(out, "SHA256SUMS"), lines.join(""));
}

function parse(args: string[]): { targets: readonly Target[]; out: string } {
  const options = { targets: { type: "string" }, out: { type: "string", default: "dist/release" } } as const;
  const { values } = parseArgs({ args, options });
  return {
    targets: values.targets?.split(",").map(parseTarget) ?? allTargets,
    out: resolve(values.out),
  };
}

if (import.meta.main) {
  let asked: ReturnType<typeof parse>;
  try {
    asked = parse(process.argv.slice(2));
  } catch (error) {
    console.error(`error: ${(error as Error).message}\n${usage}`);
    process.exit(2);
  }
  try {
    await release(asked.targets, asked.out);
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string };
    console.error(`error: ${message}${hint ? `\n  hint: ${hint}` : ""}`);
    process.exit(1);
  }
}
