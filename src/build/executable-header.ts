/** What platform an executable is for, as its first bytes tell. */
import { open } from "node:fs/promises";

export type Machine = "x64" | "arm64";

export interface Platform {
  readonly os: "linux" | "darwin" | "windows";
  readonly arch: Machine;
  /** Of Linux alone. */
  readonly libc?: "glibc" | "musl";
}

/** Holds the headers of ELF, Mach-O and PE, and the name of ELF's interpreter. */
export const headBytes = 65_536;

const elfMachines: Readonly<Record<number, Machine>> = { 62: "x64", 183: "arm64" };
const machMachines: Readonly<Record<number, Machine>> = { 16777223: "x64", 16777228: "arm64" };
const peMachines: Readonly<Record<number, Machine>> = { 34404: "x64", 43620: "arm64" };

/** @returns undefined for what is no executable, or one of another machine */
export async function platformOf(file: string): Promise<Platform | undefined> {
  await using handle = await open(file);
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(headBytes), 0, headBytes, 0);
  return platformOfHead(buffer.subarray(0, bytesRead));
}

export function platformOfHead(head: Buffer): Platform | undefined {
  if (head.length < 64) return undefined;
  if (head.readUInt32BE(0) === 0x7f454c46) {
    const arch = elfMachines[head.readUInt16LE(18)];
    return arch && { os: "linux", arch, libc: head.includes("/ld-musl-") ? "musl" : "glibc" };
  }
  if (head.readUInt32LE(0) === 0xfeedfacf) {
    const arch = machMachines[head.readUInt32LE(4)];
    return arch && { os: "darwin", arch };
  }
  if (head.toString("latin1", 0, 2) !== "MZ") return undefined;
  const at = head.readUInt32LE(0x3c);
  if (at + 6 > head.length || head.toString("latin1", at, at + 4) !== "PE\0\0") return undefined;
  const arch = peMachines[head.readUInt16LE(at + 4)];
  return arch && { os: "windows", arch };
}
