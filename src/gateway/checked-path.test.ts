import { expect, test } from "bun:test";
import { checkedPath, isBelow } from "./checked-path.ts";

test("a path that all read alike is given as it is meant", () => {
  expect(checkedPath("/")).toBe("/");
  expect(checkedPath("/shop/caf%C3%A9")).toBe("/shop/café");
  expect(checkedPath("/a.b/%61")).toBe("/a.b/a");
});

test("a path that some read in another way is refused", () => {
  const paths = [
    "/a//b",
    "//",
    "/a%2Fb",
    "/a%2fb",
    "/a%5Cb",
    "/a\\b",
    "/a%00",
    "/a%0a",
    "/%",
    "/%ff",
    "/a/%2e%2e/b",
  ];
  for (const path of paths) expect(() => checkedPath(path), path).toThrow("read in more than one way");
});

test("a path is below a prefix only at a slash", () => {
  expect(isBelow("/shop", "/shop")).toBe(true);
  expect(isBelow("/shop/a", "/shop")).toBe(true);
  expect(isBelow("/shopping", "/shop")).toBe(false);
  expect(isBelow("/anything", "/")).toBe(true);
});
