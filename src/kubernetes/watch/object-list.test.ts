import { expect, test } from "bun:test";
import { MicrorunError } from "../../errors.ts";
import { apiError } from "../api/api-error.ts";
import type { Cluster } from "../api/cluster.ts";
import { listObjects, tokenAtHead } from "./object-list.ts";

type Answer = string | (() => never);

/** A page as the API server writes it. */
const page = (name: string, token = "", more = {}): string => {
  const list = { kind: "PodList", apiVersion: "v1" };
  const metadata = {
    resourceVersion: "7",
    ...(token === "" ? {} : { continue: token, remainingItemCount: 9 }),
  };
  return JSON.stringify({ ...list, metadata: { ...metadata, ...more }, items: [{ metadata: { name } }] });
};

/** Answers by the token asked with, each in the order given; what happened, in order. */
function scene(answers: Readonly<Record<string, readonly Answer[]>>) {
  const left = new Map(Object.entries(answers).map(([token, all]) => [token, [...all]]));
  const told: string[] = [];
  const cluster: Cluster = {
    server: "https://cluster.example",
    namespace: "default",
    request: async (_method, _path, { query, arrived } = {}) => {
      const token = query?.continue ?? "";
      told.push(`asked ${token}`);
      const answer = left.get(token)?.shift() ?? fail(`nothing at ${token}`);
      if (typeof answer === "function") return answer();
      await arrived?.(answer);
      told.push(`parsed ${token}`);
      return JSON.parse(answer);
    },
    watch: () => fail("not watched"),
    [Symbol.asyncDispose]: async () => {},
  };
  const prune = ({ metadata }: { metadata: { name: string } }) => metadata.name;
  const { signal } = new AbortController();
  return { told, list: () => listObjects({ cluster, path: "/api/v1/pods", prune, signal }) };
}

function fail(why: string): never {
  throw new Error(why);
}

const expired = () => {
  throw apiError(410, { message: "the provided continue parameter is too old", reason: "Expired" }, "list");
};

test("each page is asked for before the one before it is parsed, and no further ahead", async () => {
  const { told, list } = scene({ "": [page("a", "x")], x: [page("b", "y")], y: [page("c")] });
  const { items, version } = await list();
  expect([...items.values(), version]).toEqual(["a", "b", "c", "7"]);
  expect(told).toEqual(["asked ", "asked x", "parsed ", "asked y", "parsed x", "parsed y"]);
});

test("a page that begins otherwise is parsed before the next is asked for", async () => {
  const odd = JSON.stringify({ metadata: { continue: "x", resourceVersion: "7" }, items: [] });
  const { told, list } = scene({ "": [odd], x: [page("b")] });
  expect([...(await list()).items.values()]).toEqual(["b"]);
  expect(told).toEqual(["asked ", "parsed ", "asked x", "parsed x"]);
});

test("where the head and the list do not agree the list counts", async () => {
  // a duplicate key: the last one holds
  const two = page("a", "x").replace('"remainingItemCount":9', '"continue":"y"');
  const { told, list } = scene({ "": [two], x: [page("wrong")], y: [page("b")] });
  expect([...(await list()).items.values()]).toEqual(["a", "b"]);
  expect(told).toContain("asked x");
});

test("a page that had expired before it was asked for ahead begins the list anew", async () => {
  const { told, list } = scene({ "": [page("old", "x"), page("new", "z")], x: [expired], z: [page("more")] });
  expect([...(await list()).items.values()]).toEqual(["new", "more"]);
  expect(told).toEqual(["asked ", "asked x", "parsed ", "asked ", "asked z", "parsed ", "parsed z"]);
});

test("a list that expires again and again fails, and so does one whose page is no JSON", async () => {
  const old = page("old", "x");
  const { list } = scene({ "": [old, old, old, old, old], x: [expired, expired, expired, expired, expired] });
  expect(await list().catch((error) => error)).toMatchObject({ code: "out_of_range" });
  const away = () => {
    throw new MicrorunError("unavailable", "cannot reach it");
  };
  // what was asked for ahead fails too, and is nobody's
  const cut = scene({ "": [page("a", "x").slice(0, -1)], x: [away] });
  expect(await cut.list().catch((error) => error)).toBeInstanceOf(SyntaxError);
  expect(cut.told).toEqual(["asked ", "asked x", "parsed "]);
});

test.each([
  [page("a", "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ=="), "eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ=="],
  [
    '{"kind":"EndpointSliceList","apiVersion":"discovery.k8s.io/v1","metadata":{"resourceVersion":"7","continue":"x"},"items":[',
    "x",
  ],
  [page("a"), undefined],
  [page("a").replace('"7"', '"7","selfLink":"/api","continue":"x"'), undefined],
  [` ${page("a", "x")}`, undefined],
  [page("a", 'x"y'), undefined],
  [page("a", "x\\"), undefined],
  ["", undefined],
] as const)("the head of %s is read exactly or not at all", (text, token) => {
  expect(tokenAtHead(text)).toBe(token);
});
