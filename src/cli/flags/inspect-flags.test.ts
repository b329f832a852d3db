import { expect, test } from "bun:test";
import { readSettings } from "../command/settings.ts";
import { flagsOf } from "./flags.ts";
import { givenFlags } from "./inspect-flags.ts";
import { runGroups } from "./run-flags.ts";

const table = flagsOf(runGroups);

test("flags in force are those that were given, with who gave them", () => {
  const given = new Map([["server_name", ["greeter"]]]);
  const env = { MICRO_SERVER_NAME: "other", MICRO_SERVER_VERSION: "7", MICRO_REGISTRY: "" };
  expect(givenFlags(table, given, env)).toEqual([
    { name: "server_name", value: "greeter", source: "--server_name" },
    { name: "server_version", value: "7", source: "MICRO_SERVER_VERSION" },
  ]);
});

test("what may be a secret is not told", () => {
  const given = new Map([
    ["set", ["db.word=hunter2"]],
    ["server_metadata", ["k=hunter2"]],
    ["broker_address", ["nats://user:hunter2@nats.example:4222"]],
  ]);
  const told = givenFlags(table, given, {});
  expect(told.map(({ name }) => name).toSorted()).toEqual(["broker_address", "server_metadata", "set"]);
  expect(JSON.stringify(told)).not.toContain("hunter2");
});

test("without --inspect there is nothing to tell", () => {
  const line = (given: Map<string, string[]>, env = {}) => ({ given, env, rest: [] });
  expect(readSettings("a.ts", line(new Map())).inspect).toBeUndefined();
  expect(readSettings("a.ts", line(new Map([["inspect", ["true"]]]))).inspect?.flags).toHaveLength(1);
  expect(readSettings("a.ts", line(new Map(), { MICRO_INSPECT: "true" })).inspect?.runtime).toMatch(
    /^microrun /,
  );
});
