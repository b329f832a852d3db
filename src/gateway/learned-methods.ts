/** What services say of their methods, kept for a while: a new version may say something else. */
import type { Method } from "../call.ts";
import { MicrorunError } from "../errors.ts";

export interface LearningOptions {
  /** Asks the service. Undefined: it tells nothing of itself. */
  readonly ask: (service: string, endpoint: string) => Promise<Method | undefined>;
  /** How long an answer holds, in ms. @default 30000 */
  readonly ttlMs?: number;
  /** How long it holds that a service has no such method, in ms. @default 5000 */
  readonly unknownMs?: number;
  /** @default 1000 */
  readonly maxMethods?: number;
  readonly now?: () => number;
}

export interface LearnedMethods {
  /** @throws MicrorunError as the service answers */
  of(service: string, endpoint: string): Promise<Method | undefined>;
  /** It does not fit: asked again, unless that was done just now. @returns whether it is */
  doubt(service: string, endpoint: string): boolean;
}

interface Known {
  readonly method: Promise<Method | undefined>;
  readonly since: number;
  until: number;
}

const defaultTtlMs = 30_000;
const defaultUnknownMs = 5000;
const defaultMaxMethods = 1000;

export function createLearnedMethods(options: LearningOptions): LearnedMethods {
  const { ask, ttlMs = defaultTtlMs, unknownMs = defaultUnknownMs } = options;
  const { maxMethods = defaultMaxMethods, now = Date.now } = options;
  /** The longest unused first. */
  const known = new Map<string, Known>();

  const learn = (service: string, endpoint: string): Known => {
    const [oldest] = known.keys();
    if (oldest !== undefined && known.size >= maxMethods) known.delete(oldest);
    const one: Known = { method: ask(service, endpoint), since: now(), until: now() + ttlMs };
    one.method.catch((error: unknown) => {
      // that it could not be reached says nothing of the method
      const isAnswer = MicrorunError.from(error).code === "unimplemented";
      one.until = isAnswer ? now() + unknownMs : 0;
    });
    return one;
  };
  return {
    of(service, endpoint) {
      const key = `${service} ${endpoint}`;
      let one = known.get(key);
      if (one === undefined || now() >= one.until) one = learn(service, endpoint);
      known.delete(key);
      known.set(key, one);
      return one.method;
    },
    doubt(service, endpoint) {
      const key = `${service} ${endpoint}`;
      const one = known.get(key);
      if (one === undefined || now() - one.since < unknownMs) return false;
      return known.delete(key);
    },
  };
}
