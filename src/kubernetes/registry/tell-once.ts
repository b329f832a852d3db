/** A line in the log for each annotation that cannot be read, once, however often it is met, if it is of a service that is asked for. */
import type { Log } from "../../log.ts";
import { parseServiceName } from "../../service-name.ts";
import { microName } from "../names.ts";
import type { Broken } from "./form.ts";

/** How many are remembered, of lines and of services; then it begins anew. */
const maxRemembered = 1000;

export interface TellOnce {
  tell(pod: string, ...what: Parameters<Broken>): void;
  /** The service is asked for: what of it cannot be read is a warning, also what was met before. */
  matters(service: string): void;
}

interface Line {
  readonly message: string;
  readonly service: string;
  warned: boolean;
}

/** Of other services the lines are for debugging: whoever calls these is told. */
export function tellOnce(log: Log): TellOnce {
  const told = new Map<string, Line>();
  const asked = new Set<string>();
  const hint = "mend or remove it; the pod's other services are not concerned";
  const warn = (line: Line): void => {
    if (line.warned || !asked.has(line.service)) return;
    line.warned = true;
    log.warn(line.message, { hint });
  };
  return {
    tell(pod, key, why, service) {
      const message = `cannot read ${key} of pod ${pod}: ${why}`;
      if (told.has(message)) return;
      if (told.size >= maxRemembered) told.clear();
      const line = { message, service: microName(service), warned: false };
      told.set(message, line);
      warn(line);
      if (!line.warned) log.debug(message, { hint });
    },
    matters(service) {
      if (asked.size >= maxRemembered) asked.clear();
      for (const name of [service, parseServiceName(service).name]) asked.add(microName(name));
      for (const line of told.values()) warn(line);
    },
  };
}
