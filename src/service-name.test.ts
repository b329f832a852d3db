import { expect, test } from "bun:test";
import { bearers, checkedServiceName, parseServiceName } from "./service-name.ts";

test("a name means a service, one of another namespace, Go Micro's dotted name, or a host", () => {
  expect(parseServiceName("greeter")).toEqual({ name: "greeter" });
  expect(parseServiceName("greeter.team-a")).toEqual({ name: "greeter", namespace: "team-a" });
  expect(parseServiceName("greeter.team-a.svc")).toEqual({ name: "greeter", namespace: "team-a" });
  expect(parseServiceName("greeter.team-a.svc.cluster.local")).toEqual({
    name: "greeter",
    namespace: "team-a",
  });
  expect(parseServiceName("go.micro.srv.greeter")).toEqual({ name: "go-micro-srv-greeter" });
  expect(parseServiceName("greeter.example.com.")).toEqual({ name: "", host: "greeter.example.com" });
  expect(parseServiceName("10.1.2.3")).toEqual({ name: "", host: "10.1.2.3" });
});

test("a name with a port of its own is a host", () => {
  expect(parseServiceName("greeter:9090")).toEqual({ name: "", host: "greeter", port: 9090 });
  expect(parseServiceName("10.1.2.3:9090")).toEqual({ name: "", host: "10.1.2.3", port: 9090 });
  expect(parseServiceName("a.example.com.:9090")).toEqual({ name: "", host: "a.example.com", port: 9090 });
  expect(parseServiceName("fd00::1")).toEqual({ name: "", host: "fd00::1" });
  expect(parseServiceName("[fd00::1]")).toEqual({ name: "", host: "fd00::1" });
  expect(parseServiceName("[fd00::1]:9090")).toEqual({ name: "", host: "fd00::1", port: 9090 });
});

test("a name that DNS cannot carry is refused, and shown cut short", () => {
  expect(checkedServiceName("greeter.team-a")).toEqual({ name: "greeter", namespace: "team-a" });
  expect(() => checkedServiceName("a/b")).toThrow('service "a/b": not a name');
  expect(() => checkedServiceName("x ".repeat(1000))).toThrow(/^service "[x ]{80}": not a name$/);
});

test("the whole name comes before what its parts mean", () => {
  const plain = { service: "greeter" };
  const teamA = { service: "greeter", namespace: "team-a" };
  const teamB = { service: "greeter", namespace: "team-b" };
  const dotted = { service: "greeter.team-a" };
  const dashed = { service: "go-micro-srv-greeter" };
  expect(bearers([plain, teamA, teamB, dotted], "greeter.team-a")).toEqual([dotted]);
  expect(bearers([plain, teamA, teamB], "greeter.team-a")).toEqual([plain, teamA]);
  expect(bearers([dashed], "go.micro.srv.greeter")).toEqual([dashed]);
  expect(bearers([plain, teamA], "greeter")).toEqual([plain, teamA]);
  expect(bearers([plain], "other")).toEqual([]);
});
