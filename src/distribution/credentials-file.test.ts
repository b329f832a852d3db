import { expect, test } from "bun:test";
import { parseAuthFile } from "./credentials-file.ts";

const file = (value: object) => parseAuthFile("config.json", JSON.stringify(value));

test("a login is read in each of the forms that docker has written", () => {
  const { entries } = file({
    auths: {
      "ghcr.io": { auth: btoa("user:pass:word") },
      "https://old.example/v1/": { auth: btoa("old:secret\0\0") },
      "plain.example": { username: "a", password: "b" },
      "identity.example": { auth: btoa("<token>:"), identitytoken: "id" },
      "bearer.example": { registrytoken: "bearer" },
      "https://index.docker.io/v1/": { auth: btoa("hub:secret") },
      "quay.io/team": { auth: btoa("robot:secret") },
      "empty.example": {},
    },
  });
  expect(Object.fromEntries(entries)).toEqual({
    "ghcr.io": { username: "user", password: "pass:word" },
    "old.example": { username: "old", password: "secret" },
    "plain.example": { username: "a", password: "b" },
    "identity.example": { identityToken: "id" },
    "bearer.example": { registryToken: "bearer" },
    "index.docker.io": { username: "hub", password: "secret" },
    "quay.io/team": { username: "robot", password: "secret" },
  });
});

test("podman's docker.io is Docker's index.docker.io", () => {
  const { entries } = file({
    auths: { "docker.io": { auth: btoa("a:b") }, "docker.io/team": { auth: btoa("c:d") } },
  });
  expect([...entries.keys()]).toEqual(["index.docker.io", "index.docker.io/team"]);
});

test("helpers are read, those that are none are not", () => {
  const { helpers, store } = file({
    credsStore: "pass",
    credHelpers: { "a.example": "ecr-login", "b.example": 7 },
  });
  expect([store, [...helpers]]).toEqual(["pass", [["a.example", "ecr-login"]]]);
});

test("a file that is broken is named, and nothing of it is told", () => {
  expect(() => parseAuthFile("/x/config.json", '{"auths":{"a":{"auth":"c2VjcmV0"')).toThrow(
    "cannot read /x/config.json: it is not JSON",
  );
  for (const strange of ["null", "[]", "7", '{"auths":7,"credHelpers":null}'])
    expect(parseAuthFile("config.json", strange).entries.size).toBe(0);
});
