/** A line in the log for each annotation that cannot be read, once, however often it is met. */
import type { Log } from "../log.ts";

/** How many are remembered; then it begins anew. */
const maxRemembered = 1000;

export function tellOnce(log: Log): (pod: string, key: string, why: string) => void {
  const told = new Set<string>();
  return (pod, key, why) => {
    const what = `${pod} ${key} ${why}`;
    if (told.has(what)) return;
    if (told.size >= maxRemembered) told.clear();
    told.add(what);
    log.warn(`cannot read ${key} of pod ${pod}: ${why}`, {
      hint: "mend or remove it; the pod's other services are not concerned",
    });
  };
}
