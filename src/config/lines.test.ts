import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { readEntries } from "./documents.ts";
import { readLines } from "./lines.ts";
import { maxTreeValues } from "./merge.ts";
import { find } from "./snapshot.ts";

const fault = (why: string): MicrorunError => new MicrorunError("invalid_argument", why);
const read = (text: string): unknown => JSON.parse(JSON.stringify(readLines(text, fault)));

test("lines are cut as go-micro v2.3.0 cuts them", () => {
  expect(read("host=127.0.0.1\nport=27017")).toEqual({ host: "127.0.0.1", port: "27017" });
  expect(read("a=b\n")).toEqual({ a: "b", "": "" });
  expect(read("justvalue")).toEqual({ justvalue: "" });
  expect(read("password=pa=ss")).toEqual({ password: "pa=ss" });
  expect(read("a=1\r\nb = 2 ")).toEqual({ a: "1\r", "b ": " 2 " });
  expect(read("# comment=x")).toEqual({ "# comment": "x" });
  expect(read("")).toEqual({ "": "" });
  expect(read('{"a":1,"b":[2]}')).toEqual({ '{"a":1,"b":[2]}': "" });
  expect(read("=x\n==")).toEqual({ "": "=" });
  expect(read("a=1\na=2")).toEqual({ a: "2" });
  expect(read("a_b.c=1")).toEqual({ "a_b.c": "1" });
});

test("names that mean something to JavaScript are keys", () => {
  const tree = readLines("__proto__=a\nconstructor=b\ntoString", fault);
  expect(Object.getPrototypeOf(tree)).toBeNull();
  expect(Object.entries(tree)).toEqual([
    ["__proto__", "a"],
    ["constructor", "b"],
    ["toString", ""],
  ]);
});

test("a text without any = is found whole where it stands, though its tree is that of go-micro", () => {
  const tree = readEntries({ DB_NAME: "MICRO", motd: "two\nlines\n", none: "", mongodb: "host=a" }, "lines");
  expect(JSON.parse(JSON.stringify(tree.DB_NAME))).toEqual({ MICRO: "" });
  expect(find(tree, ["DB_NAME"])).toBe("MICRO");
  expect(find(tree, ["motd"])).toBe("two\nlines\n");
  expect(find(tree, ["none"])).toBe("");
  expect(JSON.parse(JSON.stringify(find(tree, ["mongodb"])))).toEqual({ host: "a" });
});

test("more lines than a tree may have values are refused", () => {
  expect(() => readLines("\n".repeat(maxTreeValues), fault)).toThrow("more than 100000 lines");
});
