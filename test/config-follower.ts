/** A source of configuration under watch, and what it has said so far. */
import type { ConfigData, ConfigSource } from "../src/config/config.ts";
import type { MicrorunError } from "../src/errors.ts";

export interface Follower extends AsyncDisposable {
  readonly trees: readonly ConfigData[];
  /** As last told; undefined also when all is well. */
  readonly fault: MicrorunError | undefined;
  /** What the tree given last is without. */
  readonly left: readonly string[];
  /** The tree given last, as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what a test compares with
  readonly tree: any;
  /** Resolves once that holds. @throws Error with what there was, when it does not in time */
  until(holds: () => boolean, withinMs?: number): Promise<void>;
}

export function follow(source: ConfigSource): Follower {
  const stop = new AbortController();
  const trees: ConfigData[] = [];
  let fault: MicrorunError | undefined;
  let left: readonly string[] = [];
  let looks: (() => void)[] = [];
  const wake = (): void => {
    const told = looks;
    looks = [];
    for (const look of told) look();
  };
  const tell = (told: MicrorunError | undefined): void => {
    fault = told;
    wake();
  };
  const leaveOut = (entries: readonly string[]): void => {
    left = entries;
  };
  const run = async (): Promise<void> => {
    for await (const tree of source.watch(stop.signal, tell, leaveOut)) {
      trees.push(tree);
      wake();
    }
  };
  const running = run();
  const follower: Follower = {
    trees,
    get fault() {
      return fault;
    },
    get left() {
      return left;
    },
    get tree() {
      return trees.length === 0 ? undefined : JSON.parse(JSON.stringify(trees.at(-1)));
    },
    async until(holds, withinMs = 20_000) {
      const end = performance.now() + withinMs;
      while (!holds()) {
        const left = end - performance.now();
        if (left <= 0) {
          const had = JSON.stringify(trees.slice(-3)).slice(0, 2000);
          throw new Error(`not in ${withinMs} ms: ${holds}\n${had}\n${fault?.code}: ${fault?.message}`);
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          looks.push(() => {
            clearTimeout(timer);
            resolve();
          });
        });
      }
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
  return follower;
}
