/** What the executable of a service says of itself: by its own name, of its sources as they were called. */
import { dirname } from "node:path";
import type { Built } from "./command.ts";

/** Its files lie in a folder of their own within it, which nobody can look into. */
export function sourceNames(text: string, { module, source }: Built): string {
  return text.replaceAll(module, source).replaceAll(`${dirname(module)}/`, "");
}

export interface Own {
  /** The words that start it. */
  readonly self: string;
  /** The names of its commands; those of others are microrun's. */
  readonly commands: readonly string[];
}

export function ownWords(text: string, built: Built, { self, commands }: Own): string {
  const asked = new RegExp(`\\bmicrorun (?=(?:${commands.join("|")})\\b)`, "g");
  return sourceNames(text, built).replace(asked, () => `${self} `);
}
