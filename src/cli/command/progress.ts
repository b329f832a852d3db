/** Shows on stderr how far something long is: on a terminal one line that is redrawn, else a line for each thing that is complete. */
import type { Progress, Step } from "../../progress.ts";

/** What is smaller is over before anybody could read of it. */
const leastBytes = 1_048_576;
/** A terminal that is drawn on more often only costs time. */
const redrawMs = 100;
const barCells = 24;
/** Of a terminal that does not say how wide it is. */
const usualColumns = 80;

export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

export interface ProgressBar extends Disposable {
  readonly step: Progress;
}

/** Disposed, it leaves no half-drawn line. @param now milliseconds of any clock */
export function progressBar(
  stream: ProgressStream,
  {
    env,
    now = () => performance.now(),
  }: { env: Readonly<Record<string, string | undefined>>; now?: () => number },
): ProgressBar {
  const live = stream.isTTY === true && env.TERM !== "dumb";
  const complete = new Set<string>();
  let drawn = "";
  let last = Number.NEGATIVE_INFINITY;

  const clear = () => {
    if (drawn !== "") stream.write("\r\x1b[K");
    drawn = "";
  };
  const step: Progress = (at) => {
    const { what, done, total } = at;
    if ((total ?? done) < leastBytes || complete.has(what)) return;
    if (total !== undefined && done >= total) {
      clear();
      complete.add(what);
      stream.write(`${what}  ${megabytes(total)}\n`);
    } else if (live && now() - last >= redrawMs) {
      last = now();
      drawn = line(at, stream.columns ?? usualColumns);
      stream.write(`\r\x1b[K${drawn}`);
    }
  };
  return { step, [Symbol.dispose]: clear };
}

function line({ what, done, total }: Step, columns: number): string {
  const text = total === undefined ? `${what}  ${megabytes(done)}` : `${what}  ${bar(done / total)}`;
  const amount = total === undefined ? "" : `  ${megabytes(done)} of ${megabytes(total)}`;
  // a line that wraps cannot be redrawn
  return (text + amount).slice(0, columns - 1);
}

function bar(share: number): string {
  const full = Math.floor(share * barCells);
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  return `[${"#".repeat(full)}${" ".repeat(barCells - full)}]${percent}`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
