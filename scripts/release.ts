/** Makes all that is released, into one folder: executables, checksums, bill of materials, npm and JSR packages. Publishes nothing. */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../package.json" with { type: "json" };
import { targets as allTargets, parseTarget, type Target } from "../src/build/targets.ts";
import { exitCode, failureText } from "../src/cli/failure.ts";
import { errorText, usageError } from "../src/errors.ts";
import { type PackedFile, writeTarball, writeZip } from "./release/archive.ts";
import { changelogEntry } from "./release/changelog.ts";
import { documents } from "./release/documents.ts";
import { releasedExecutables } from "./release/executables.ts";
import { writeJsrPackage } from "./release/jsr-package.ts";
import { writeNpmPackages } from "./release/npm-packages.ts";
import { checksums, makeFolder } from "./release/out-folder.ts";
import { billOfMaterials } from "./release/sbom.ts";

const usage = `usage: npm run release -- [--targets linux-x64,linux-x64-musl] [--out dist/release]
  --targets  the platforms, separated by commas (${allTargets.map(({ name }) => name).join(", ")})
  --out      the folder: empty, or of an earlier release, which is made anew
  --help     say this`;

const changelog = join(import.meta.dir, "../CHANGELOG.md");
const { name, version } = manifest;

async function release(targets: readonly Target[], out: string): Promise<void> {
  changelogEntry(await Bun.file(changelog).text(), version);
  await makeFolder(out);
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
  const program = os === "windows" ? `${name}.exe` : name;
  const files: PackedFile[] = [
    { path: program, mode: 0o755, content: Bun.file(executable) },
    ...(await documents()),
  ];
  const outfile = join(out, os === "windows" ? `${stem}.zip` : `${stem}.tar.gz`);
  await (os === "windows" ? writeZip : writeTarball)(
    outfile,
    files.map((file) => ({ ...file, path: `${stem}/${file.path}` })),
  );
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
  await Bun.write(join(out, checksums), lines.join(""));
}

function parse(args: string[]): { targets: readonly Target[]; out: string; help: boolean } {
  const options = {
    targets: { type: "string" },
    out: { type: "string", default: "dist/release" },
    help: { type: "boolean", default: false },
  } as const;
  const { values } = parseArgs({ args, options });
  return {
    targets: values.targets?.split(",").map(named) ?? allTargets,
    out: resolve(values.out),
    help: values.help,
  };
}

function named(text: string): Target {
  try {
    return parseTarget(text);
  } catch (error) {
    throw usageError(errorText(error).replace("--target=", "--targets: "), usage);
  }
}

if (import.meta.main) {
  try {
    const { targets, out, help } = parse(process.argv.slice(2));
    if (help) console.log(usage);
    else await release(targets, out);
  } catch (error) {
    const { code } = error as { code?: unknown };
    const asked = typeof code === "string" && code.startsWith("ERR_PARSE_ARGS");
    const told = asked ? usageError(errorText(error), usage) : error;
    console.error(failureText(told));
    process.exit(exitCode(told));
  }
}
