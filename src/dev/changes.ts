/** Tells when files change: those named, and all in the folders named. */
import { existsSync, type FSWatcher, statSync, watch } from "node:fs";
import { basename, dirname, join } from "node:path";

/** Editors write in several steps. */
const settleMs = 100;
/** Made by tools, and changed with every build. */
const ignored = /(^|\/)(\.[^/]*|node_modules)(\/|$)/;

export interface ChangesOptions {
  /** Folders within the folders count as well. @default false */
  readonly deep?: boolean;
  /** @param file one of those that changed */
  readonly changed: (file: string) => void;
}

/** What is not there is not watched. */
export function watchChanges(
  paths: readonly string[],
  { deep = false, changed }: ChangesOptions,
): Disposable {
  const watchers: FSWatcher[] = [];
  let settling: ReturnType<typeof setTimeout> | undefined;
  const settle = (file: string): void => {
    clearTimeout(settling);
    settling = setTimeout(changed, settleMs, file);
  };
  for (const path of new Set(paths)) {
    if (!existsSync(path)) continue;
    const isFolder = statSync(path).isDirectory();
    // a file that is replaced is another: its folder is watched
    const folder = isFolder ? path : dirname(path);
    const watcher = watch(folder, { recursive: isFolder && deep }, (_, name) => {
      if (name === null || ignored.test(name) || (!isFolder && name !== basename(path))) return;
      settle(join(folder, name));
    });
    watchers.push(watcher.on("error", () => {}));
  }
  return {
    [Symbol.dispose]() {
      clearTimeout(settling);
      for (const watcher of watchers) watcher.close();
    },
  };
}
