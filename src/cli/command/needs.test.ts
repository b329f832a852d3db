import { expect, test } from "bun:test";
import { readArgv } from "../argv.ts";
import { readSettings } from "./settings.ts";

const needs = (argv: readonly string[], env: Record<string, string> = {}) => {
  const { words, ...line } = readArgv(["./x.ts", ...argv]);
  return readSettings(words[0]!, { ...line, env }).mesh.kubernetes.needs;
};
const pod = { KUBERNETES_SERVICE_HOST: "10.0.0.1" };

test("the usual ConfigMap is among what a run in a cluster asks for, as long as it reads it", () => {
  expect(needs(["--registry=kubernetes"], pod)).toEqual({
    register: true,
    discover: true,
    sources: ["configmap://default/micro?optional"],
  });
  expect(needs(["--config=env:", "--config=secret:db"], pod)?.sources).toEqual(["secret:db"]);
  expect(needs([])?.sources).toEqual([]);
});
