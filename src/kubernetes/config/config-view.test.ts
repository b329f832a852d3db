import { expect, test } from "bun:test";
import type { ConfigData } from "../../config/config.ts";
import { MicrorunError } from "../../errors.ts";
import { type Entries, entriesOf, layered } from "./config-entries.ts";
import { configView } from "./config-view.ts";

const symbol = Symbol("of a whole tree");

/** JSON by its extension; the rest as it is. */
function read(entries: Readonly<Record<string, string>>): ConfigData {
  const tree: Record<string, never> = Object.create(null);
  for (const [name, text] of Object.entries(entries)) {
    if (!name.endsWith(".json")) tree[name] = text as never;
    else if (text.startsWith("{")) Object.assign(tree, JSON.parse(text));
    else throw new MicrorunError("invalid_argument", `${name} line 1: not JSON`);
  }
  return tree;
}

const address = {
  kind: "configmap",
  namespace: "shop",
  format: "raw",
  required: false,
  optional: false,
} as const;
const text = (data: Record<string, string>): Entries => entriesOf("configmap", { data });
const objects = (all: Record<string, Entries>) =>
  new Map(Object.entries(all).map(([name, entries]) => [`shop/${name}`, entries]));
const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

test("an object that is empty, and one that was emptied, is an empty tree", () => {
  const look = configView({ ...address, name: "micro" }, read);
  const before = look(objects({ micro: text({ a: "1" }) }));
  expect(before).toEqual({ tree: { a: "1" } as never, fault: undefined, left: [] });
  const { tree, fault } = look(objects({ micro: entriesOf("configmap", {}) }));
  expect(plain(tree)).toEqual({});
  expect(fault).toBeUndefined();
});

test("objects that are as they were are not read again, and their tree is the same object", () => {
  let reads = 0;
  const look = configView(address, (entries) => {
    reads++;
    return read(entries);
  });
  const [a, b] = [text({ a: "1" }), text({ b: "1" })];
  const before = look(objects({ a, b })).tree;
  expect(look(objects({ b, a })).tree).toBe(before);
  expect(reads).toBe(2);
  expect(plain(look(objects({ a, b: text({ b: "2" }) })).tree)).toEqual({ a: "1", b: "2" });
  expect(reads).toBe(3);
});

test("of several objects a broken one keeps its own last values, and hides no change of another", () => {
  const look = configView(address, read);
  look(objects({ a: text({ "a.json": '{"a":1}' }), b: text({ b: "1" }) }));
  const { tree, fault } = look(objects({ a: text({ "a.json": "x" }), b: text({ b: "2" }) }));
  expect(plain(tree)).toEqual({ a: 1, b: "2" });
  expect(fault).toMatchObject({ code: "invalid_argument", message: "a: a.json line 1: not JSON" });
});

test("none that could be read yet is no tree", () => {
  const look = configView(address, read);
  const { tree, fault } = look(objects({ a: text({ "a.json": "x" }), b: text({ "b.json": "x" }) }));
  expect(tree).toBeUndefined();
  expect(fault?.message).toBe("a: a.json line 1: not JSON; b: b.json line 1: not JSON");
});

test("what a reader throws that is no fault of the text tells nothing of it", () => {
  const look = configView({ ...address, name: "micro" }, () => {
    throw new TypeError("secret");
  });
  expect(look(objects({ micro: text({ a: "1" }) })).fault).toMatchObject({ message: "internal error" });
});

test("many faults are told by the first of them", () => {
  const look = configView(address, read);
  const broken = Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`o${n}`, text({ "x.json": "x" })]));
  expect(look(objects(broken)).fault?.message).toMatch(
    /^o0: x\.json line 1: not JSON; .*; o4: .* and 4 more$/,
  );
});

test("entries that are no text are left out of a Secret and a ConfigMap alike, and nothing is wrong", () => {
  const binary = { store: "//79/A==", "a.png": "//79/A==", word: btoa("w") };
  for (const micro of [
    entriesOf("secret", { data: binary }),
    entriesOf("configmap", { data: {}, binaryData: binary }),
  ]) {
    const one = configView({ ...address, name: "micro" }, read)(objects({ micro }));
    expect(one).toEqual({ tree: { word: "w" } as never, fault: undefined, left: ["a.png", "store"] });
    const look = configView(address, read);
    expect(look(objects({ micro, b: text({}) })).left).toEqual(["micro/a.png", "micro/store"]);
    expect(look(new Map())).toMatchObject({ tree: { word: "w" }, left: ["micro/a.png", "micro/store"] });
  }
});

test("a document that is no text is a broken one: the last values stay", () => {
  const look = configView({ ...address, kind: "secret", name: "micro" }, read);
  const secret = (json: string) => objects({ micro: entriesOf("secret", { data: { "a.json": json } }) });
  look(secret(btoa('{"a":1}')));
  expect(look(secret("//79/A=="))).toMatchObject({
    tree: { a: 1 },
    fault: { code: "invalid_argument", message: "a.json: not a text in UTF-8" },
    left: [],
  });
});

test("a later tree wins key by key, also what a symbol says of the whole", () => {
  const [one, two, three] = [{ a: { x: "1" } }, { a: { y: "2" }, b: ["1"] }, { a: {}, b: ["2"] }];
  Object.defineProperty(one.a, symbol, { value: "one" });
  Object.defineProperty(two.a, symbol, { value: "two" });
  const both = layered([one, two]);
  expect(plain(both)).toEqual({ a: { x: "1", y: "2" }, b: ["1"] });
  expect(Reflect.get(both.a as object, symbol)).toBe("two");
  expect(plain(layered([one, two, three]))).toEqual({ a: { x: "1", y: "2" }, b: ["2"] });
  expect(plain(layered([]))).toEqual({});
  const odd = layered([JSON.parse('{"__proto__":{"a":"1"}}'), JSON.parse('{"__proto__":{"b":"2"}}')]);
  expect(JSON.stringify(odd)).toBe('{"__proto__":{"a":"1","b":"2"}}');
  expect(({} as Record<string, unknown>).a).toBeUndefined();
});

test.each([
  [{ name: "micro" }, "make it: kubectl create configmap micro --namespace=shop --from-file=FOLDER"],
  [
    { fields: "metadata.name=micro" },
    "make it: kubectl create configmap micro --namespace=shop --from-file=FOLDER",
  ],
  [{ labels: "app=shop" }, "label one: kubectl label configmap NAME --namespace=shop KEY=VALUE"],
  [
    { fields: "metadata.name!=micro" },
    "compare with what is there: kubectl get configmaps --namespace=shop --show-labels",
  ],
])("where %j finds nothing, what to do is said", (selection, hint) => {
  expect(configView({ ...address, ...selection }, read)(new Map()).fault?.hint).toBe(hint);
});
