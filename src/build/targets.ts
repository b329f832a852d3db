/** The platforms that a binary can be made for. */
import { didYouMean, MicrorunError, usageError } from "../errors.ts";
import { type Platform, platformOf } from "./executable-header.ts";

export interface Target extends Platform {
  /** `linux-x64-musl` */
  readonly name: string;
}

export const targets: readonly Target[] = [
  { name: "linux-x64", os: "linux", arch: "x64", libc: "glibc" },
  { name: "linux-arm64", os: "linux", arch: "arm64", libc: "glibc" },
  { name: "linux-x64-musl", os: "linux", arch: "x64", libc: "musl" },
  { name: "linux-arm64-musl", os: "linux", arch: "arm64", libc: "musl" },
  { name: "darwin-x64", os: "darwin", arch: "x64" },
  { name: "darwin-arm64", os: "darwin", arch: "arm64" },
  { name: "windows-x64", os: "windows", arch: "x64" },
];

/** @throws MicrorunError `invalid_argument` */
export function parseTarget(text: string): Target {
  const found = targets.find(({ name }) => name === text);
  if (found !== undefined) return found;
  const names = targets.map(({ name }) => name);
  throw usageError(
    `--target=${text}: no such target${didYouMean(text, names)}`,
    `use one of ${names.join(", ")}`,
  );
}

/** What runs here. @throws MicrorunError `unimplemented` */
export async function ownTarget(): Promise<Target> {
  const platform = await platformOf(process.execPath);
  const found = platform && targetOf(platform);
  if (found !== undefined) return found;
  throw new MicrorunError("unimplemented", `${process.platform}-${process.arch}: no target of microrun`, {
    hint: `say for which it is meant: --target=${targets.map(({ name }) => name).join("|")}`,
  });
}

export function targetOf({ os, arch, libc }: Platform): Target | undefined {
  return targets.find((target) => target.os === os && target.arch === arch && target.libc === libc);
}
