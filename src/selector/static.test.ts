import { expect, test } from "bun:test";
import { staticSelector } from "./static.ts";

test("a service is reached under its own name on port 8080", () => {
  expect(staticSelector().pick("greeter")).toBe("greeter:8080");
});

test("domain and port are appended when set", () => {
  expect(staticSelector({ domain: "default.svc.cluster.local", port: 9090 }).pick("greeter")).toBe(
    "greeter.default.svc.cluster.local:9090",
  );
});
