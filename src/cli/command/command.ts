/** What a command is, and what it is started with. */
import type { Runtime } from "../../runtime/runtime.ts";
import type { FlagGroup } from "../flags/flags.ts";
import type { Environment, Given } from "../flags/values.ts";

/** A service that is an executable of its own. */
export interface Built {
  /** `greeter` */
  readonly name: string;
  /** Absolute path of its module within the executable. */
  readonly module: string;
  /** What that was made of, as traces name it: `greeter.ts`. */
  readonly source: string;
  /** Of the `.proto` files that replace those that the module names. */
  readonly proto: readonly string[];
}

export interface Input {
  /** What is no flag, the command's name left out. */
  readonly words: readonly string[];
  readonly given: Given;
  /** What followed `--`. */
  readonly rest: readonly string[];
  readonly env: Environment;
  readonly host: () => Promise<Runtime>;
  /** The service that this executable is. @default none: it runs any */
  readonly built?: Built;
  /** A text about this program, as it is called. @default unchanged: it is microrun */
  readonly own?: (text: string) => string;
}

/** Resolves with the exit code. */
export type Start = (input: Input) => Promise<number>;

export interface Command {
  readonly name: string;
  /** Other names of it. @default none */
  readonly aliases?: readonly string[];
  /** Its words, as yargs writes them: `<needed>`, `[if wanted]`. */
  readonly words: string;
  readonly about: string;
  readonly groups: readonly FlagGroup[];
  readonly examples: readonly (readonly [line: string, about: string])[];
  /** The most words it takes. */
  readonly most: number;
  /** Loads what the command needs, when it is asked for. */
  readonly load: () => Promise<{ start: Start }>;
  /** Needs a module's source, which an executable of a service has not. @default false */
  readonly fromSource?: true;
  /** Flags of other commands that have no meaning here, and why. @default none */
  readonly refused?: Readonly<Record<string, string>>;
  /** The exit code of a wrong line. @default 2 */
  readonly askedWrongly?: number;
}
