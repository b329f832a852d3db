import { expect, test } from "bun:test";
import type { Call } from "../call.ts";
import { serviceOf } from "./pass-through.ts";

const rules = { namespace: "", domain: "svc.example", routes: { "shop.cart.v1": "cart", "a.B": "b" } };

function meant(
  service: string,
  metadata: Record<string, string> = {},
  authority = "10.0.0.1:8081",
  own = {},
): string {
  const call = {
    ...{ service, method: "Hello", request: undefined, signal: new AbortController().signal },
    metadata: new Headers(metadata),
    field: (name: string) => (name === ":authority" ? authority : undefined),
  } satisfies Call;
  return serviceOf(call, { ...rules, ...own });
}

test("a call is for the service that its package names, or its gRPC service", () => {
  expect(meant("greeter.Greeter")).toBe("greeter");
  expect(meant("go.micro.srv.greeter.Greeter")).toBe("go.micro.srv.greeter");
  expect(meant("Greeter")).toBe("greeter");
  expect(meant(".Greeter")).toBe("greeter");
  expect(meant("greeter.Greeter", {}, "", { namespace: "go.micro.srv" })).toBe("go.micro.srv.greeter");
});

test("a route, the host and the metadata say otherwise, the last of them first", () => {
  expect(meant("shop.cart.v1.Cart")).toBe("cart");
  expect(meant("a.B")).toBe("b");
  expect(meant("shop.cart.v1.Cart", {}, "basket.svc.example:443")).toBe("basket");
  expect(meant("x.Y", { "micro-service": "z" }, "basket.svc.example")).toBe("z");
});

test("reflection is of the service that metadata, host or route name, else there is none", () => {
  const reflection = "grpc.reflection.v1.ServerReflection";
  expect(meant(reflection, { "micro-service": "z" })).toBe("z");
  expect(meant(reflection, {}, "basket.svc.example")).toBe("basket");
  expect(meant(reflection, {}, "", { routes: { "grpc.reflection.v1": "cart" } })).toBe("cart");
  expect(() => meant(reflection)).toThrow("reflection is of one service");
});

test("what can be no service's name is refused", () => {
  for (const name of ["10.0.0.1", "greeter:9090", "example.com.", "a b", ""])
    expect(() => meant("x.Y", { "micro-service": name }), name).toThrow("not a service's name");
});
