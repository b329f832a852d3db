import { expect, test } from "bun:test";
import { rpcTarget } from "./rpc-path.ts";

const said = (path: string, namespace = ""): string => {
  const { service, endpoint } = rpcTarget(path, namespace) ?? { service: "-", endpoint: "-" };
  return `${service} ${endpoint}`;
};

test("a path means the service and the endpoint that Go Micro's table says", () => {
  const table: readonly (readonly [path: string, target: string])[] = [
    ["/greeter/hello", "greeter Greeter.Hello"],
    ["/foo/bar/zool", "foo Bar.Zool"],
    ["/a/b/c/d", "a.b C.D"],
    ["/v1/foo/bar", "v1.foo Foo.Bar"],
    ["/foo", "foo Foo.Call"],
    ["/foo/", "foo Foo.Call"],
    ["/greeter/say-hello", "greeter Greeter.SayHello"],
    ["/greeter/sayHello", "greeter Greeter.SayHello"],
    ["/go.micro.srv.greeter/greeter/hello", "go.micro.srv.greeter Greeter.Hello"],
    ["/localhost/greeter/hello", "localhost Greeter.Hello"],
  ];
  for (const [path, target] of table) expect(said(path), path).toBe(target);
});

test("a namespace stands before the service", () => {
  expect(said("/greeter/hello", "go.micro.api")).toBe("go.micro.api.greeter Greeter.Hello");
});

test("a path that names no service and no endpoint names none", () => {
  const paths = [
    "/",
    "",
    "//hello",
    "/greeter//hello/x",
    "/gréeter/hello",
    "/greeter/héllo",
    "/greeter/hello world",
    "/greeter/hello-",
    "/greeter/-hello",
    "/greeter/hel--lo",
    "/greeter/../hello",
    "/.greeter/hello",
    "/10.0.0.1/greeter/hello",
    "/example.com./greeter/hello",
    "/greeter:9090/greeter/hello",
    "/[::1]/greeter/hello",
    "/a/../b/c/d",
    `/${"a".repeat(300)}/hello`,
  ];
  for (const path of paths) expect(said(path), path).toBe("- -");
});
