/** A folder of contents by digest; what bears its name there is whole, and checked each time. */
import { createHash } from "node:crypto";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { cacheFolder } from "../cache-folder.ts";
import { errorText, MicrorunError } from "../errors.ts";
import { blobDigest } from "../oci.ts";

export interface BlobCache {
  /** The file, if it is there and still the same. */
  find(digest: string): Promise<string | undefined>;
  /** Written below another name until it is `done`; what is not is removed. */
  write(digest: string): Promise<BlobWriter>;
}

export interface BlobWriter extends AsyncDisposable {
  /** Bytes so far. */
  readonly length: number;
  append(chunk: Uint8Array): Promise<void>;
  /** Begins anew. */
  reset(): Promise<void>;
  /**
   * Checks the digest.
   * @returns the path; undefined: these were other bytes
   */
  done(): Promise<string | undefined>;
}

/** @param folder @default `microrun/blobs` in the user's cache folder */
export function blobCache(env: Readonly<Record<string, string | undefined>>, folder?: string): BlobCache {
  const root = folder ?? join(cacheFolder(env), "blobs");
  const pathOf = (digest: string): string => join(root, ...digest.split(":"));
  return {
    find: async (digest) => {
      const path = pathOf(digest);
      const [algorithm] = digest.split(":");
      const found = await blobDigest(Bun.file(path), algorithm).catch(() => undefined);
      return found === digest ? path : undefined;
    },
    write: async (digest) => {
      try {
        return await writer(pathOf(digest), digest);
      } catch (error) {
        throw cannotKeep(digest, root, error);
      }
    },
  };
}

async function writer(path: string, digest: string): Promise<BlobWriter> {
  const [algorithm = "", wanted] = digest.split(":");
  const unfinished = `${path}.${process.pid}.${crypto.randomUUID()}.tmp`;
  await mkdir(dirname(path), { recursive: true });
  const file = await open(unfinished, "w", 0o644);
  let hash = createHash(algorithm);
  let length = 0;
  const tried = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw cannotKeep(digest, dirname(path), error);
    }
  };
  return {
    get length() {
      return length;
    },
    append: (chunk) =>
      tried(async () => {
        // one call may write a part of it
        for (let at = 0; at < chunk.length; ) {
          const { bytesWritten } = await file.write(chunk, at, chunk.length - at, length + at);
          at += bytesWritten;
        }
        hash.update(chunk);
        length += chunk.length;
      }),
    reset: () =>
      tried(async () => {
        await file.truncate(0);
        hash = createHash(algorithm);
        length = 0;
      }),
    done: () =>
      tried(async () => {
        if (hash.digest("hex") !== wanted) return undefined;
        await file.sync();
        await rename(unfinished, path);
        return path;
      }),
    async [Symbol.asyncDispose]() {
      await file.close();
      await rm(unfinished, { force: true });
    },
  };
}

function cannotKeep(digest: string, folder: string, cause: unknown): MicrorunError {
  const { code = "" } = cause as NodeJS.ErrnoException;
  const isFull = ["ENOSPC", "EDQUOT"].includes(code);
  return new MicrorunError("failed_precondition", `cannot keep ${digest} in ${folder}: ${errorText(cause)}`, {
    hint: `${isFull ? "make room there" : "let this user write there"}, or name another folder by XDG_CACHE_HOME`,
    cause,
  });
}
