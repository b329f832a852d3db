import { expect, test } from "bun:test";
import { jsonMethod } from "../call.ts";
import { methodsOf, nameParts } from "./methods.ts";

const hello = jsonMethod("helloworld.Greeter", "Hello");
const methods = methodsOf(
  new Map([
    ["helloworld.Greeter", [hello]],
    ["shop.v1.Orders", [jsonMethod("shop.v1.Orders", "Get")]],
    ["shop.v2.Orders", [jsonMethod("shop.v2.Orders", "Get")]],
    ["Plain", [jsonMethod("Plain", "Do")]],
  ]),
);

test("a method is found by its full name, as its service's package, or by a last segment of its own", () => {
  expect(methods("any", "helloworld.Greeter.Hello")).toBe(hello);
  expect(methods("helloworld", "Greeter.Hello")).toBe(hello);
  expect(methods("go.micro.srv.greeter", "Greeter.Hello")).toBe(hello);
  expect(methods("shop.v2", "Orders.Get")?.service).toBe("shop.v2.Orders");
  expect(methods("plain", "Plain.Do")?.service).toBe("Plain");
});

test("a method is not guessed where two services could be meant, or another package is named", () => {
  expect(methods("orders", "Orders.Get")).toBeUndefined();
  expect(methods("any", "other.Greeter.Hello")).toBeUndefined();
  expect(methods("greeter", "Greeter.Nope")).toBeUndefined();
  expect(methods("greeter", "Nope.Hello")).toBeUndefined();
});

test("an endpoint that is not Service.Method is refused", () => {
  expect(() => methods("greeter", "Hello")).toThrow("not of the form Service.Method");
});

test("a name that no path can hold is refused", () => {
  for (const service of ["a b", "a/b", "ünï"])
    expect(() => methods(service, "Greeter.Hello")).toThrow("holds more than a path may");
});

test("a host is no package", () => {
  expect(nameParts("localhost:9090", "Greeter.Hello")).toEqual({ service: "Greeter", method: "Hello" });
  expect(nameParts("go.micro.srv.greeter", "Greeter.Hello").service).toBe("go.micro.srv.greeter.Greeter");
});
