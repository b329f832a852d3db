/** Files that a command writes: what the system says against it, told as an error of the user's. */
import { MicrorunError } from "../../errors.ts";

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EDQUOT: "the quota is used up",
  EEXIST: "a file of that name is in the way",
  EISDIR: "it is a folder",
  ELOOP: "its symbolic links go in a circle",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "no such file or folder",
  ENOSPC: "the disk is full",
  ENOTDIR: "a file stands where a folder is needed",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
};

/** @param command who writes, for people */
export async function written<T>(command: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code = "", path } = error as NodeJS.ErrnoException;
    const why = Object.hasOwn(reasons, code) ? reasons[code] : undefined;
    if (why === undefined || path === undefined) throw error;
    const isFull = code === "ENOSPC" || code === "EDQUOT";
    const kind = isFull ? "resource_exhausted" : "permission_denied";
    throw new MicrorunError(kind, `${command}: cannot write ${path}: ${why}`, {
      hint: isFull
        ? "make room there, or name a place on another disk"
        : "name a folder that this user may write to",
      cause: error,
    });
  }
}
