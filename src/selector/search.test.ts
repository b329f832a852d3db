import { expect, test } from "bun:test";
import { parseSearch, searched } from "./search.ts";

test("a pod's resolv.conf gives the domains and the dots that a whole name has", () => {
  const text = "nameserver 10.96.0.10\nsearch default.svc.cluster.local svc.cluster.local cluster.local.\n";
  const search = parseSearch(`# made by the kubelet\n${text}options ndots:5 timeout:1\n`);
  expect(search).toEqual({
    domains: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"],
    ndots: 5,
  });
  expect(searched("greeter", search)).toEqual([
    "greeter.default.svc.cluster.local",
    "greeter.svc.cluster.local",
    "greeter.cluster.local",
    "greeter",
  ]);
});

test("a name with enough dots is asked for as it is first", () => {
  const search = parseSearch("domain example.com");
  expect(search).toEqual({ domains: ["example.com"], ndots: 1 });
  expect(searched("greeter.team-a", search)).toEqual(["greeter.team-a", "greeter.team-a.example.com"]);
  expect(searched("greeter", search)).toEqual(["greeter.example.com", "greeter"]);
  expect(searched("greeter", parseSearch(""))).toEqual(["greeter"]);
});
