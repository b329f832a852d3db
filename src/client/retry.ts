/** A call's tries: each on another instance, where repeating is safe and there are time and budget for it. */
import type { Call } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import type { Selector, Wish } from "../selector/selector.ts";
import { pause } from "../wait.ts";
import { type Attempt, begin, unlessOver } from "./attempt.ts";
import type { RetryBudget } from "./budget.ts";
import type { CallOptions } from "./client.ts";
import type { Outgoing } from "./outgoing.ts";
import type { Pool } from "./pool.ts";

/** The longest wait before the first retry, in ms; it doubles with each. A random part of it is waited. */
const firstBackoffMs = 50;
const maxBackoffMs = 1000;

export interface Trying {
  readonly selector: Selector;
  readonly pool: Pool;
  readonly budget: RetryBudget;
  readonly retries: number;
}

interface Failed {
  readonly attempt: Attempt;
  readonly error: MicrorunError;
}

/**
 * @param once makes one try and ends it
 * @throws what the last try threw
 */
export async function tryEach<T>(
  { selector, pool, budget, retries }: Trying,
  service: string,
  { call, requests }: Outgoing,
  how: CallOptions,
  once: (attempt: Attempt) => Promise<T>,
): Promise<T> {
  const idempotent = how.idempotent ?? call.type?.idempotent ?? false;
  const picking = { selector, pool, address: how.address };
  const except = new Set<string>();
  const wish = wishOf(how, call, except);
  const mayRepeat = (error: MicrorunError): boolean => {
    if (call.signal.aborted || Date.now() >= (call.deadline ?? Number.POSITIVE_INFINITY)) return false;
    if (error.unsent) return requests?.complete() ?? true;
    return idempotent && requests === undefined && error.code === "unavailable";
  };

  budget.earn();
  let failed: Failed | undefined;
  for (let tries = 1; ; tries++) {
    const attempt = await begin(picking, service, wish, call).catch((error: unknown) => {
      // who else there might be is of less interest than what became of the call
      throw failed !== undefined && isUnavailable(error) ? failed.error : error;
    });
    if (failed !== undefined) await prepare(attempt, failed, tries, except, call);
    try {
      return await once(attempt);
    } catch (error) {
      const again = tries <= retries && error instanceof MicrorunError && mayRepeat(error) && budget.spend();
      if (!again) throw error;
      failed = { attempt, error };
      except.add(attempt.address);
    }
  }
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

function wishOf({ version, where }: CallOptions, { metadata }: Call, except: ReadonlySet<string>): Wish {
  return {
    call: metadata,
    except,
    ...(version === undefined ? {} : { version }),
    ...(where === undefined ? {} : { metadata: where }),
  };
}
