import { expect, test } from "bun:test";
import { recordOf } from "./header-record.ts";

test("repeated fields are joined as node:http2 joins them", () => {
  const flat = ["x-a", "1", "x-a", "2", "cookie", "a=1", "cookie", "b=2", "content-type", "first"];
  flat.push(
    "content-type",
    "second",
    "set-cookie",
    "c=3",
    "set-cookie",
    "d=4",
    "id-bin",
    "AQ==",
    "id-bin",
    "Ag==",
  );
  expect({ ...recordOf(flat) }).toEqual({
    "x-a": "1, 2",
    cookie: "a=1; b=2",
    "content-type": "first",
    "set-cookie": ["c=3", "d=4"],
    "id-bin": "AQ==, Ag==",
  });
});

test("a field may have the name of something that every object has", () => {
  const record = recordOf(["constructor", "a", "__proto__", "b", "tostring", "c"]);
  expect(Object.entries(record)).toEqual([
    ["constructor", "a"],
    ["__proto__", "b"],
    ["tostring", "c"],
  ]);
});
