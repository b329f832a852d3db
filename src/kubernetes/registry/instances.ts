/** Whether two snapshots say the same. */
import type { Instance } from "../../registry/registry.ts";

/** Both in the same order. */
export function sameInstances(some: readonly Instance[], others: readonly Instance[]): boolean {
  return (
    some.length === others.length && some.every((one, at) => one === others[at] || same(one, others[at]))
  );
}

/** Metadata and endpoints are shared where they are equal (share.ts), so that most comparisons end at the first look. */
function same(one: unknown, other: unknown): boolean {
  if (one === other) return true;
  if (typeof one !== "object" || typeof other !== "object" || one === null || other === null) return false;
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every((key) => same((one as Record<string, unknown>)[key], (other as Record<string, unknown>)[key]))
  );
}
