import { expect, test } from "bun:test";
import { jsonMessage, type MessageType } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { readMicroPath } from "./micro-path.ts";
import { queryJson } from "./query.ts";

test("a path names service and endpoint by go-micro's rule", () => {
  const read = (path: string): string => {
    const { service, endpoint } = readMicroPath(path) ?? {};
    return `${service} ${endpoint}`;
  };
  expect(read("/greeter/hello")).toBe("greeter Greeter.Hello");
  expect(read("/foo/bar/zool")).toBe("foo Bar.Zool");
  expect(read("/a/b/c/d")).toBe("a.b C.D");
  expect(read("/v1/foo/bar")).toBe("v1.foo Foo.Bar");
  expect(read("/version/foo/bar")).toBe("version Foo.Bar");
  expect(read("/foo")).toBe("foo Foo.Call");
  expect(read("/greeter/say-hello/")).toBe("greeter Greeter.SayHello");
  expect(readMicroPath("/")).toBeUndefined();
});

test("a query is read as JSON where there is no schema, nested and listed too", () => {
  const read = (query: string): unknown => queryJson(new URLSearchParams(query), jsonMessage);
  expect(read("name=John&age=7&tall=true")).toEqual({ name: "John", age: 7, tall: true });
  expect(read("tags[]=a&tags[]=b&id=1&id=2&id=3")).toEqual({ tags: ["a", "b"], id: [1, 2, 3] });
  expect(read("address[city]=Bonn&address[zip]=1")).toEqual({ address: { city: "Bonn", zip: 1 } });
  expect(read("a[=1&]=2")).toEqual({ "a[": 1, "]": 2 });
  expect(read("")).toEqual({});
  for (const query of ["__proto__[x]=1", "a=1&a[b]=2", `a${"[a]".repeat(20)}=1`, "=1"])
    expect(() => read(query)).toThrow(MicrorunError);
  expect(({} as { x?: unknown }).x).toBeUndefined();
  expect(read("constructor[prototype][x]=1")).toEqual({ constructor: { prototype: { x: 1 } } } as object);
  expect((Object as { x?: unknown }).x).toBeUndefined();
});

test("a query is taken for texts first where a schema judges it", () => {
  const typed = (fits: (value: unknown) => boolean): MessageType => ({
    ...jsonMessage,
    name: "test.T",
    fromJson: (json) => {
      if (fits((json as { v: unknown }).v)) return json;
      throw new MicrorunError("invalid_argument", `not ${typeof (json as { v: unknown }).v}`);
    },
  });
  const read = (query: string, type: MessageType): unknown => queryJson(new URLSearchParams(query), type);
  expect(
    read(
      "v=7",
      typed((v) => typeof v === "string"),
    ),
  ).toEqual({ v: "7" });
  expect(
    read(
      "v=true",
      typed((v) => typeof v === "boolean"),
    ),
  ).toEqual({ v: true });
  expect(() =>
    read(
      "v=x",
      typed((v) => typeof v === "boolean"),
    ),
  ).toThrow("not string");
});
