/** What building asks of those who know modules and schemas: other parts of the program, which this folder does not see. */
import type { MicrorunError } from "../errors.ts";

export interface ModuleReader {
  /** @throws MicrorunError `invalid_argument` when `file`, written as `path`, is no module */
  check(path: string, file: string): Promise<void>;
  /** The paths of these `.proto` files and of those that they import, as far as they lie on the disk. */
  protoFiles(paths: readonly string[]): Promise<readonly string[]>;
  /** @throws MicrorunError `invalid_argument` when these `.proto` files make no schema: one is wrong, or two say the same */
  checkProtos(paths: readonly string[]): Promise<void>;
  /** Why a module cannot be loaded, from what Bun threw. */
  explain(thrown: unknown, module: string, cwd: string): Promise<MicrorunError>;
}
