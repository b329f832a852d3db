/** What this program is: its version, and how to start it again. */
import { basename, dirname, relative } from "node:path";
import manifest from "../../package.json" with { type: "json" };

/** Bun puts a compiled program's files under this folder. */
const compiled: boolean = /\$bunfs|~BUN/.test(import.meta.url);

/** `microrun 0.1.0 (bun 1.4.4, linux-x64)` */
export function versionLine(): string {
  const { bun, deno, node } = process.versions;
  const host = bun ? `bun ${bun}` : deno ? `deno ${deno}` : `node ${node}`;
  return `microrun ${manifest.version} (${host}, ${process.platform}-${process.arch})`;
}

/** The words that start this program from a shell in this folder. */
export function selfCommand(): string {
  if (compiled) {
    const onPath = (process.env.PATH ?? "").split(":").includes(dirname(process.execPath));
    if (onPath) return basename(process.execPath);
    const near = relative(process.cwd(), process.execPath);
    return near.startsWith("..") ? process.execPath : `./${near}`;
  }
  if (process.env.npm_lifecycle_event) return "npm run -s microrun --";
  const host = process.versions.deno ? "deno run -A" : basename(process.execPath);
  return `${host} ${relative(process.cwd(), process.argv[1] ?? "src/main.ts")}`;
}
