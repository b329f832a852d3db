/** Whether the API server can be reached, who we are there, for how long, and whose clock is wrong. */
import { MicrorunError } from "../errors.ts";
import type { Cluster, Reached, Visit } from "./cluster.ts";
import { type Check, type Finding, fail, failure, ok, warn } from "./doctor.ts";

/** Clocks this far apart, in ms, deserve a look; this far apart, tokens and certificates are refused. */
const warnSkewMs = 5000;
const failSkewMs = 60_000;
/** Credentials that end within this time, in ms, are likely not renewed any more. */
const soonMs = 300_000;

/** @param needed without it the service cannot do what its flags say */
export function apiServerCheck(open: () => Promise<Cluster>, needed: boolean): Check {
  return {
    name: "api server",
    async run() {
      try {
        const cluster = await open();
        return [judgeVisit(cluster.server, await cluster.visit())];
      } catch (error) {
        const absent = error instanceof MicrorunError && error.code === "failed_precondition";
        if (absent && !needed) return [ok(`not asked: nothing needs it (${error.message})`)];
        return [failure(error, needed ? "fail" : "warn")];
      }
    },
  };
}

export function judgeVisit(server: string, { version, ms, security }: Visit): Finding {
  const what = `${server} ${version ?? "(no version told)"}, ${Math.round(ms)} ms`;
  if (security === "unchecked")
    return warn(
      `${what}, its certificate is not checked`,
      "take insecure-skip-tls-verify out of the kubeconfig, and give certificate-authority-data",
    );
  return ok(security === "cleartext" ? `${what}, in cleartext` : what);
}

export function identityCheck(reached: Reached, now: () => number = Date.now): Check {
  return {
    name: "identity",
    async run(signal) {
      const cluster = await reached();
      if (cluster === undefined) return [];
      const { credential } = await cluster.visit();
      const who = await cluster.whoAmI(signal).catch((error) => {
        if (error instanceof MicrorunError && error.code === "unauthenticated") throw error;
        return undefined;
      });
      return [judgeCredential(who, cluster.namespace, credential, now())];
    },
  };
}

export function judgeCredential(
  who: string | undefined,
  namespace: string,
  credential: Visit["credential"],
  now: number,
): Finding {
  const what = `${who ?? "unknown"} in namespace ${namespace}`;
  if (credential === undefined && (who === undefined || who === "system:anonymous"))
    return warn(`${what}: nothing to log in by`, "give the context of the kubeconfig a user");
  const { kind, expires } = credential ?? {};
  if (kind === undefined || expires === undefined) return ok(what);
  const left = expires - now;
  const renew =
    kind === "token"
      ? "mount a token that kubelet renews (a projected serviceAccountToken), or log in anew"
      : "renew the certificate, or log in anew";
  if (left <= 0) return fail(`${what}: the ${kind} expired ${ago(-left)} ago`, renew);
  if (left < soonMs) return warn(`${what}: the ${kind} expires in ${ago(left)}`, renew);
  return ok(`${what}, ${kind} valid for ${ago(left)}`);
}

export function clockCheck(reached: Reached): Check {
  return {
    name: "clock",
    async run() {
      const cluster = await reached();
      const skewMs = (await cluster?.visit())?.skewMs;
      return skewMs === undefined ? [] : [judgeSkew(skewMs)];
    },
  };
}

export function judgeSkew(skewMs: number): Finding {
  const far = Math.abs(skewMs);
  if (far <= warnSkewMs) return ok("as the API server's");
  const what = `${ago(far)} ${skewMs > 0 ? "behind" : "before"} the API server's`;
  const todo = "let NTP set the clock of this machine";
  return far > failSkewMs ? fail(what, todo) : warn(what, todo);
}

function ago(ms: number): string {
  const units = [
    ["d", 86_400_000],
    ["h", 3_600_000],
    ["min", 60_000],
  ] as const;
  const [unit, size] = units.find(([, size]) => ms >= 2 * size) ?? ["s", 1000];
  return `${Math.round(ms / size)} ${unit}`;
}
