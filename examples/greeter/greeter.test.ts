import { expect, test } from "bun:test";
import greeter from "./greeter.ts";

test("Hello greets by name", () => {
  expect(greeter.Greeter.Hello({ name: "John" })).toEqual({ greeting: "Hello John!" });
});
