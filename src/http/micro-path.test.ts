import { expect, test } from "bun:test";
import { jsonMessage, type MessageType } from "../call.ts";
import { MicrorunError } from "../errors.ts";
import { parseSchema } from "../grpc/schema/schema.ts";
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

test("a number that would become another one stays a text", () => {
  const query = new URLSearchParams("a=12345678901234567890&b=1e400&c=-0.5&d=9007199254740991");
  expect(queryJson(query, jsonMessage)).toEqual({
    a: "12345678901234567890",
    b: "1e400",
    c: -0.5,
    d: Number.MAX_SAFE_INTEGER,
  });
});

test("each text of a query is read as its field is", () => {
  const source = `syntax = "proto3"; package t;
    message Query { string name = 1; int32 age = 2; bool tall = 3; repeated string tags = 4; repeated int64 ids = 5;
      Query inner = 6; map<string, bool> seen = 7; repeated Query list = 8; string nick_name = 9; }
    service S { rpc Find (Query) returns (Query); }`;
  const type = parseSchema("t.proto", source).message("t.Query")!;
  const read = (query: string): unknown => type.toJson(queryJson(new URLSearchParams(query), type));
  expect(read("name=5&age=5&tall=true")).toEqual({ name: "5", age: 5, tall: true });
  expect(read("tags=1")).toEqual({ tags: ["1"] });
  expect(read("tags=true&tags=b&tall=true&ids=7")).toEqual({ tags: ["true", "b"], tall: true, ids: ["7"] });
  expect(read("inner[name]=5&inner[tall]=true")).toEqual({ inner: { name: "5", tall: true } });
  expect(read('inner={"name":"x"}&seen[a]=true')).toEqual({ inner: { name: "x" }, seen: { a: true } });
  expect(read('list={"age":1}&list={"age":2}')).toEqual({ list: [{ age: 1 }, { age: 2 }] });
  expect(read("ids=[1,2]")).toEqual({ ids: ["1", "2"] });
  expect(read("nick_name=1&tall=false")).toEqual({ nickName: "1" });
  expect(() => read("nme=5")).toThrow("did you mean name?");
  expect(() => read("age=x")).toThrow("t.Query.age");
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
