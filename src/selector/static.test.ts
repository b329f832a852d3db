import { expect, test } from "bun:test";
import { failure, selectorContract } from "./selector.contract.ts";
import { staticSelector } from "./static.ts";

selectorContract("static", async () => staticSelector(), { knows: false });

test("a service is reached under its own name on port 8080", () => {
  expect(staticSelector().pick("greeter")).toBe("greeter:8080");
});

test("domain and port are appended when set", () => {
  expect(staticSelector({ domain: "default.svc.cluster.local", port: 9090 }).pick("greeter")).toBe(
    "greeter.default.svc.cluster.local:9090",
  );
});

test("a name with a namespace takes the place of the domain's, and is followed by a domain without one", () => {
  const pick = (name: string, domain?: string) =>
    staticSelector(domain === undefined ? {} : { domain }).pick(name);
  expect(pick("greeter.team-a")).toBe("greeter.team-a:8080");
  expect(pick("greeter.team-a", "default.svc.cluster.local")).toBe("greeter.team-a.svc.cluster.local:8080");
  expect(pick("greeter.team-a", "default.svc")).toBe("greeter.team-a.svc:8080");
  expect(pick("greeter.team-a", "svc.cluster.local")).toBe("greeter.team-a.svc.cluster.local:8080");
  expect(pick("greeter.team-a", "example.com")).toBe("greeter.team-a.example.com:8080");
  expect(pick("greeter.team-a.svc")).toBe("greeter.team-a.svc:8080");
  expect(pick("greeter.team-a.svc", "default.svc.other.local")).toBe("greeter.team-a.svc.other.local:8080");
  expect(pick("greeter.team-a.svc.cluster.local")).toBe("greeter.team-a.svc.cluster.local:8080");
  expect(pick("greeter.team-a.svc.cluster.local", "default.svc.other.local")).toBe(
    "greeter.team-a.svc.cluster.local:8080",
  );
});

test("a dotted name of Go Micro's is a Service's name with dashes", () => {
  expect(staticSelector().pick("go.micro.srv.greeter")).toBe("go-micro-srv-greeter:8080");
  expect(staticSelector({ domain: "default.svc.cluster.local" }).pick("go.micro.srv.greeter")).toBe(
    "go-micro-srv-greeter.default.svc.cluster.local:8080",
  );
});

test("a host stands as it is, with the port that is set or its own", () => {
  const selector = staticSelector({ domain: "default.svc.cluster.local", port: 9090 });
  expect(selector.pick("greeter.example.com.")).toBe("greeter.example.com:9090");
  expect(selector.pick("10.1.2.3")).toBe("10.1.2.3:9090");
  expect(selector.pick("fd00::1")).toBe("[fd00::1]:9090");
  expect(selector.pick("[fd00::1]")).toBe("[fd00::1]:9090");
  expect(selector.pick("[fd00::1]:7")).toBe("[fd00::1]:7");
  expect(selector.pick("greeter:7")).toBe("greeter:7");
  expect(selector.pick("greeter.example.com:7")).toBe("greeter.example.com:7");
});

test("what can be no name is an invalid argument", async () => {
  const selector = staticSelector();
  const names = [
    "",
    " ",
    "a b",
    "a/b",
    "http://a",
    ".",
    "..",
    "a..b",
    ".a",
    "a:0",
    "a:70000",
    "a:b",
    "[x]:1",
  ];
  for (const name of [...names, "a.".repeat(200), "gr\u00fc\u00dfe", "a\n"]) {
    expect((await failure(() => selector.pick(name))).code, name).toBe("invalid_argument");
  }
});
