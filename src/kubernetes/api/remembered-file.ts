/** A small file that others replace: tokens and certificates, read again every minute. */
import { readFile } from "node:fs/promises";
import { errorText, MicrorunError } from "../../errors.ts";

/** kubelet and client-go look this often too, in ms. */
export const maxFileAgeMs = 60_000;

export interface RememberedFile {
  /** Its text, without white space at the ends. A file that is gone keeps its last text. @throws MicrorunError `failed_precondition` */
  read(): Promise<string>;
  /** Whether it has another text by now. */
  changed(): Promise<boolean>;
}

export function rememberedFile(path: string, what: string): RememberedFile {
  let text: string | undefined;
  let readAt = 0;
  const load = async (): Promise<string> => {
    try {
      text = (await readFile(path, "utf8")).trim();
    } catch (error) {
      if (text === undefined) {
        throw new MicrorunError("failed_precondition", `cannot read the ${what}: ${errorText(error)}`, {
          hint: `check that ${path} is there and readable`,
          cause: error,
        });
      }
    }
    readAt = performance.now();
    return text;
  };
  return {
    read: async () => (text === undefined || performance.now() - readAt > maxFileAgeMs ? await load() : text),
    changed: async () => {
      const before = text;
      return (await load()) !== before;
    },
  };
}
