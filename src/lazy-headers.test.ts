import { expect, test } from "bun:test";
import { eachHeader, lazyHeaders, ownHeaders } from "./lazy-headers.ts";

function pairs(headers: Headers): [string, string][] {
  const told: [string, string][] = [];
  eachHeader(headers, (name, value) => told.push([name, value]));
  return told;
}

test("what is set is read, whatever the case, before and after they become the platform's", () => {
  const headers = ownHeaders();
  headers.set("X-A", "1");
  headers.append("x-b", "2");
  expect([headers.get("x-a"), headers.get("X-B"), headers.get("x-c")]).toEqual(["1", "2", null]);
  expect([headers.has("X-a"), headers.has("x-c")]).toEqual([true, false]);
  expect(pairs(headers)).toEqual([
    ["x-a", "1"],
    ["x-b", "2"],
  ]);
  headers.append("X-A", "3");
  headers.delete("x-b");
  headers.set("x-d", "4");
  expect(pairs(headers)).toEqual([...headers]);
  expect(Object.fromEntries(headers)).toEqual({ "x-a": "1, 3", "x-d": "4" });
  expect(headers.get("X-A")).toBe("1, 3");
});

test("a name or value is refused or trimmed as the platform does", () => {
  const headers = ownHeaders();
  expect(() => headers.set("bad name", "1")).toThrow(TypeError);
  expect(() => headers.append("x-a", "1\n2")).toThrow(TypeError);
  expect(() => headers.set("x-a", "€")).toThrow(TypeError);
  headers.set("x-a", " 1 ");
  headers.set("x-b", 2 as unknown as string);
  headers.set("x-c", "");
  expect(Object.fromEntries(headers)).toEqual({ "x-a": "1", "x-b": "2", "x-c": "" });
});

test("the platform takes them where it takes headers", async () => {
  const headers = ownHeaders();
  headers.set("authorization", "Bearer x");
  expect(headers).toBeInstanceOf(Headers);
  const request = new Request("http://localhost/", { headers });
  const taken = [new Headers(headers), request.headers, new Response("", { headers }).headers];
  expect(taken.map((one) => one.get("authorization"))).toEqual(Array(3).fill("Bearer x"));
  expect(Object.keys(headers)).toEqual([]);
  expect(JSON.stringify(headers)).toBe('{"authorization":"Bearer x"}');
});

test("fields of others are not changed by whom they are shown to", () => {
  const fields = { "x-a": "1" };
  const source = {
    get: (from: typeof fields, name: string) => (name === "x-a" ? from[name] : null),
    each: (from: typeof fields, tell: (name: string, value: string) => void) => tell("x-a", from["x-a"]),
  };
  const [one, other] = [lazyHeaders(fields, source), lazyHeaders(fields, source)];
  one.set("x-a", "2");
  expect([one.get("x-a"), other.get("x-a"), fields["x-a"]]).toEqual(["2", "1", "1"]);
  expect(other.keys().next().value).toBe("x-a");
});
