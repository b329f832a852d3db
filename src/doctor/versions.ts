/** What this program is, and whether the time zone asked for is one. */
import { type Check, ok, warn } from "./doctor.ts";

export function versionsCheck(program: string, timeZone: string | undefined): Check {
  return {
    name: "version",
    run: async () => {
      const zone = timeZone || "UTC";
      if (isZone(zone.replace(/^:/, ""))) return [ok(program)];
      return [
        ok(program),
        warn(`TZ=${zone}: no such time zone, UTC holds`, "set TZ to a name such as Europe/Berlin"),
      ];
    },
  };
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
