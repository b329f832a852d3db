/** Runs checks side by side, each for a bounded time; their findings stand in the order of the checks. */
import { within } from "../wait.ts";
import { type Check, type CheckedFinding, type Finding, failure } from "./doctor.ts";

/** How long one check may take, in ms. */
export const checkMs = 10_000;

/** Never rejects. */
export async function examine(checks: readonly Check[], ms: number = checkMs): Promise<CheckedFinding[]> {
  const found = await Promise.all(
    checks.map(async (check) =>
      (await findings(check, ms)).map((finding) => ({ check: check.name, ...finding })),
    ),
  );
  return found.flat();
}

async function findings(check: Check, ms: number): Promise<readonly Finding[]> {
  const over = new AbortController();
  try {
    return await within(ms, check.name, check.run(over.signal));
  } catch (error) {
    return [failure(error)];
  } finally {
    over.abort();
  }
}
