import { expect, test } from "bun:test";
import { findRoute } from "./web-proxy.ts";

const routes = [
  { service: "all", host: "example.com" },
  { service: "shop", prefix: "/shop" },
  { service: "cart", prefix: "/shop/cart" },
  { service: "own", host: "example.com", prefix: "/shop" },
];

const found = (url: string): string | undefined => {
  const whole = new URL(url);
  return findRoute(routes, { url: whole, path: whole.pathname })?.service;
};

test("a named host comes before a prefix, a longer prefix before a shorter one", () => {
  expect(found("http://other/shop")).toBe("shop");
  expect(found("http://other:8080/shop/a")).toBe("shop");
  expect(found("http://other/shop/cart/1")).toBe("cart");
  expect(found("http://EXAMPLE.com:8080/any")).toBe("all");
  expect(found("http://example.com.:8080/any")).toBe("all");
  expect(found("http://example.com/shop/cart")).toBe("own");
});

test("what no route is for is nobody's", () => {
  expect(found("http://other/shopping")).toBeUndefined();
  expect(found("http://sub.example.com/")).toBeUndefined();
});
