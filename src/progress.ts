/** How far something long is, told to whoever shows it. */

export interface Step {
  /** What is under way, the same text for all of its steps: `runtime linux-x64-musl`, `layer 3f2a…`. */
  readonly what: string;
  /** In bytes. */
  readonly done: number;
  /** In bytes; undefined: not known. */
  readonly total?: number;
}

export type Progress = (step: Step) => void;
