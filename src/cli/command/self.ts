/** What this program is: its version, and how to start it again. */
import { basename, delimiter, dirname, relative, resolve } from "node:path";
import manifest from "../../../package.json" with { type: "json" };

export const version: string = manifest.version;

/** Bun puts a compiled program's files under this folder. */
const compiled: boolean = /\$bunfs|~BUN/.test(import.meta.url);

/** `microrun 0.1.0 (bun 1.4.4, linux-x64)` */
export function versionLine(): string {
  const { bun, deno, node } = process.versions;
  const host = bun ? `bun ${bun}` : deno ? `deno ${deno}` : `node ${node}`;
  return `microrun ${version} (${host}, ${process.platform}-${process.arch})`;
}

/** The words that start this program from a shell in `folder`. @default the current one */
export function selfCommand(folder: string = process.cwd()): string {
  const near = (path: string) => {
    const short = relative(folder, path);
    return short.length < path.length ? short : path;
  };
  if (compiled) {
    const onPath = (process.env.PATH ?? "").split(delimiter).includes(dirname(process.execPath));
    return shellWord(
      onPath ? basename(process.execPath) : near(process.execPath).replace(/^(?=[^./])/, "./"),
    );
  }
  const here = resolve(folder) === process.cwd();
  if (here && process.env.npm_lifecycle_event) return "npm run -s microrun --";
  const host = process.versions.deno ? "deno run -A" : shellWord(near(process.execPath));
  return `${host} ${shellWord(near(process.argv[1] ?? "src/main.ts"))}`;
}

/** Quoted for a shell, where that is needed. */
export function shellWord(text: string): string {
  return /^[\w./:@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
