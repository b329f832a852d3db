import { expect, test } from "bun:test";
import { workloadFlags } from "../flags/manifest-flags.ts";
import { readFlags } from "../flags/values.ts";
import { checkPullSecrets, checkVariables, readObjectName, readRun } from "./workload-values.ts";

const rpc = { isFunction: false, opensPort: false };
const loop = { isFunction: true, opensPort: false };

function run(flags: Readonly<Record<string, string>>, nature = rpc) {
  const given = new Map(Object.entries(flags).map(([name, text]) => [name, [text]]));
  return readRun(readFlags(workloadFlags, given, {}), given, nature);
}

test("a function is a worker, unless it opens a port or the line says otherwise", () => {
  expect(run({}).kind).toBe("service");
  expect(run({}, loop)).toEqual({ kind: "worker", replicas: 1, headless: false });
  expect(run({ replicas: "3" }, loop)).toMatchObject({ kind: "worker", replicas: 3 });
  expect(run({}, { isFunction: true, opensPort: true })).toMatchObject({ kind: "service", replicas: 2 });
  expect(run({ worker: "true" }).kind).toBe("worker");
  expect(run({ worker: "false" }, loop).kind).toBe("service");
  expect(run({ job: "true" }, loop).kind).toBe("job");
  expect(() => run({ worker: "true" }, { ...rpc, opensPort: true })).toThrow("--server_address opens a port");
});

test.each([
  [{ replicas: "99999999999" }, "--replicas=99999999999: too much"],
  [{ autoscale: "2-100000" }, "--autoscale=2-100000: not a range"],
  [{ job: "true", schedule: "@daily" }, "--job: runs once, --schedule at each of its times"],
  [{ schedule: "61 * * * *" }, "--schedule=61 * * * *: not a schedule of cron's"],
  [{ job: "true", worker: "true" }, "--worker: has no meaning for a job"],
  [{ worker: "true", headless: "true" }, "--headless: has no meaning for a worker"],
])("%j is refused", (flags, why) => {
  expect(() => run(flags as Readonly<Record<string, string>>)).toThrow(why);
});

test("as many replicas as there may be are taken", () => {
  expect(run({ replicas: "99999" })).toMatchObject({ replicas: 99_999 });
  expect(run({ autoscale: "1-99999" })).toMatchObject({ maxReplicas: 99_999 });
});

test("variables that the Pod sets itself, and those of flags that mean nothing in it, are refused", () => {
  const check = (name: string) => () => checkVariables([name], ["POD_NAME"]);
  expect(check("POD_NAME")).toThrow("--env=POD_NAME: each Pod is told its own");
  for (const name of ["MICRO_SERVER_ID", "MICRO_SERVER_ADVERTISE", "MICRO_WATCH", "MICRO_KUBECONFIG"])
    expect(check(name)).toThrow(`--env=${name}: has no meaning in a Pod`);
  expect(check("1A")).toThrow("not a name of a variable");
  for (const name of ["MICRO_SERVER_NAME", "WATCH", "MICRO_", "POD_X"]) expect(check(name)).not.toThrow();
});

test("names of Secrets are those that one can have", () => {
  for (const name of ["B B", "a..b", "-a", "a".repeat(254)]) {
    expect(() => checkPullSecrets([name])).toThrow(`--image_pull_secret=${name}: not a name`);
    expect(() => readObjectName("mount", `secret/${name}`)).toThrow("is no ConfigMap or Secret");
  }
  expect(() => checkPullSecrets(["registry.login-1"])).not.toThrow();
});
