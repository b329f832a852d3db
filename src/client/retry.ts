/** A call's tries: each on another instance, where repeating is safe and there are time and budget for it. */
import type { Call } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Selector, Wish } from "../selector/selector.ts";
import { pause } from "../wait.ts";
import { type Attempt, begin, type Picking, unlessOver } from "./attempt.ts";
import type { RetryBudget } from "./budget.ts";
import type { CallOptions } from "./client.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Pool } from "./pool.ts";

/** The longest wait before the first retry, in ms; it doubles with each. A random part of it is waited. */
const firstBackoffMs = 50;
const maxBackoffMs = 1000;

export interface Trying extends Picking {
  readonly selector: Selector;
  readonly pool: Pool;
  readonly budget: RetryBudget;
  readonly retries: number;
}

interface Failed {
  readonly attempt: Attempt;
  readonly error: MicrorunError;
}

/** What a try is. */
export interface Try<T> {
  make(attempt: Attempt, call: Call): Promise<T>;
  /** It went well. */
  made?(attempt: Attempt): void;
}

/** @throws what the last try threw */
export async function tryEach<T>(
  trying: Trying,
  service: string,
  out: Outgoing,
  how: CallOptions,
  { make, made }: Try<T>,
): Promise<T> {
  const { selector, pool, budget, retries } = trying;
  const { call } = out;
  const picking = how.address === undefined ? trying : { selector, pool, address: how.address };
  let wish = wishOf(how, call);
  let except: Set<string> | undefined;
  let failed: Failed | undefined;

  budget.earn();
  for (let tries = 1; ; tries++) {
    let attempt: Attempt;
    try {
      const begun = begin(picking, service, wish, call);
      attempt = begun instanceof Promise ? await begun : begun;
    } catch (error) {
      // who else there might be is of less interest than what became of the call
      throw failed !== undefined && isUnavailable(error) ? failed.error : error;
    }
    if (failed !== undefined && except !== undefined) await prepare(attempt, failed, tries, except, call);
    try {
      const reply = await make(attempt, call);
      made?.(attempt);
      return reply;
    } catch (error) {
      attempt.end(error);
      const again =
        tries <= retries && error instanceof MicrorunError && mayRepeat(error, out, how) && budget.spend();
      if (!again) throw error;
      failed = { attempt, error };
      except ??= new Set();
      except.add(attempt.address);
      wish = { ...wish, except };
    }
  }
}

function mayRepeat(error: MicrorunError, { call, requests }: Outgoing, how: CallOptions): boolean {
  if (call.signal.aborted || Date.now() >= (call.deadline ?? Number.POSITIVE_INFINITY)) return false;
  if (error.unsent) return requests?.complete() ?? true;
  const idempotent = how.idempotent ?? call.type?.idempotent ?? false;
  return idempotent && requests === undefined && error.code === "unavailable";
}

/** Waits before a retry, as long as it takes. @throws MicrorunError the end of the call, or of its time */
async function prepare(
  attempt: Attempt,
  { attempt: before, error }: Failed,
  tries: number,
  except: ReadonlySet<string>,
  call: Call,
): Promise<void> {
  const same = except.has(attempt.address);
  // what never arrived at one instance says nothing of another
  const ms = error.unsent && !same && tries === 2 ? 0 : backoffMs(tries - 1);
  if (error.unsent && same) before.retire();
  if (ms === 0) return;
  try {
    if (Date.now() + ms >= (call.deadline ?? Number.POSITIVE_INFINITY)) throw error;
    await unlessOver(call, pause(ms));
  } catch (thrown) {
    attempt.drop();
    throw thrown;
  }
}

function backoffMs(retry: number): number {
  return Math.random() * Math.min(maxBackoffMs, firstBackoffMs * 2 ** (retry - 1));
}

function isUnavailable(error: unknown): boolean {
  return error instanceof MicrorunError && error.code === "unavailable";
}

function wishOf({ version, where }: CallOptions, { metadata }: Call): Wish {
  if (version === undefined && where === undefined) return { call: metadata };
  return {
    call: metadata,
    ...(version === undefined ? {} : { version }),
    ...(where === undefined ? {} : { metadata: where }),
  };
}
