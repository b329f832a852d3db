import { expect, test } from "bun:test";
import { configAddress, isWithin, nameOf } from "./config-address.ts";

function read(text: string) {
  const [, kind, path = "", query = ""] = /^(configmap|secret):(?:\/\/)?([^?]*)\??(.*)$/.exec(text)!;
  const pairs = query === "" ? [] : query.split("&").map((part) => part.split(/=(.*)/) as [string, string?]);
  const address = { text, path, query: new Map(pairs.map(([key, value = ""]) => [key, value])) };
  return configAddress(address, kind as "configmap");
}

const plain = { kind: "configmap", format: "lines", required: false, optional: false } as const;

test.each([
  ["configmap://default/micro", { ...plain, namespace: "default", name: "micro" }],
  ["configmap:default/micro", { ...plain, namespace: "default", name: "micro" }],
  ["configmap:micro", { ...plain, name: "micro" }],
  ["configmap:micro.v1?format=raw", { ...plain, name: "micro.v1", format: "raw" }],
  ["configmap://go-micro?labels=app=user-srv", { ...plain, namespace: "go-micro", labels: "app=user-srv" }],
  ["configmap://go-micro/?labels=a", { ...plain, namespace: "go-micro", labels: "a" }],
  ["configmap:?labels=a&fields=metadata.name!=x", { ...plain, labels: "a", fields: "metadata.name!=x" }],
  ["configmap:micro?required", { ...plain, name: "micro", required: true }],
  ["configmap:micro?optional=true&required=false", { ...plain, name: "micro", optional: true }],
  ["secret:micro", { ...plain, kind: "secret", name: "micro", format: "raw" }],
  ["secret:micro?format=lines", { ...plain, kind: "secret", name: "micro" }],
] as const)("%s is understood", (text, address) => {
  expect(read(text)).toEqual(address);
});

test.each([
  ["configmap://default", /names no configmap/],
  ["configmap:", /names no configmap/],
  ["configmap:Micro", /Micro is no name/],
  ["configmap:a,b", /a,b is no name/],
  ["configmap://../micro", /\.\. is no namespace/],
  ["configmap://*/micro", /\* is no namespace/],
  ["configmap:///micro", /"" is no namespace/],
  ["configmap://a/b/c", /b\/c is no name/],
  ["configmap:micro?label=a", /no such option: label, did you mean labels\?/],
  ["configmap:micro?labels=a", /a name and labels/],
  ["configmap:?labels", /labels selects nothing/],
  ["configmap:micro?format=yaml", /no such format: yaml/],
  ["configmap:micro?required&optional", /required and optional/],
  ["configmap:micro?required=no", /required is neither true nor false/],
])("%s is refused", (text, why) => {
  expect(() => read(text)).toThrow(why);
  expect(() => read(text)).toThrow(
    expect.objectContaining({ code: "invalid_argument", hint: expect.any(String) }),
  );
});

test.each([
  ["configmap://shop/micro", true],
  ["configmap:shop/micro", true],
  ["secret://shop?labels=a", true],
  ["configmap:shop", false],
  ["configmap:shop?required", false],
  ["configmap://shop-2/micro", false],
])("%s says by itself that it is in the namespace shop: %p", (text, within) => {
  expect(isWithin(text, "shop")).toBe(within);
});

test("a field selector may give the one name", () => {
  expect(nameOf({ fields: "metadata.name=micro" })).toBe("micro");
  expect(nameOf({ fields: "type==Opaque,metadata.name==micro,a=b" })).toBe("micro");
  expect(nameOf({ fields: "metadata.name!=micro" })).toBeUndefined();
  expect(nameOf({ name: "own" })).toBe("own");
  expect(nameOf({})).toBeUndefined();
});
