import { expect, test } from "bun:test";
import { parseChallenges } from "./challenge.ts";

const read = (header: string) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test("a challenge is read with its parameters, quoted or not", () => {
  expect(
    read('Bearer realm="https://auth.example/token",service=registry,scope="repository:a/b:pull,push"'),
  ).toEqual([
    [
      "bearer",
      { realm: "https://auth.example/token", service: "registry", scope: "repository:a/b:pull,push" },
    ],
  ]);
});

test("several challenges in one header are told apart", () => {
  expect(read('Basic realm="a, \\"b\\"", Bearer realm="c", error="invalid_token", Negotiate')).toEqual([
    ["basic", { realm: 'a, "b"' }],
    ["bearer", { realm: "c", error: "invalid_token" }],
    ["negotiate", {}],
  ]);
});

test("what is no challenge is none", () => {
  for (const header of ["", " ", ",,", '="x"']) expect(read(header)).toEqual([]);
});
