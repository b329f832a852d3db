/** Who a service says it is. */
import { basename, extname } from "node:path";
import type { Definition, Identity } from "./service.ts";

export interface Asked {
  readonly name?: string;
  readonly version?: string;
  readonly id?: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/**
 * Flag or variable, else the module, else the default.
 * @param nodeId makes the id unique
 */
export function identify(
  asked: Asked,
  definition: Definition,
  file: string,
  nodeId: string = crypto.randomUUID(),
): Identity {
  const name = asked.name ?? definition.name ?? stemOf(file);
  return {
    name,
    version: asked.version ?? definition.version ?? "latest",
    id: asked.id ?? `${name}-${nodeId}`,
    metadata: { ...definition.metadata, ...asked.metadata },
  };
}

export function stemOf(file: string): string {
  return basename(file, extname(file));
}
