import { expect, test } from "bun:test";
import { advertisedAddress } from "./advertise.ts";

test("an address with a host is advertised as it is", () => {
  expect(advertisedAddress("10.1.2.3:8080")).toBe("10.1.2.3:8080");
  expect(advertisedAddress("greeter.local:8080")).toBe("greeter.local:8080");
  expect(advertisedAddress("unix:/run/greeter")).toBe("unix:/run/greeter");
});

test("an address on all interfaces is advertised as one of this machine's", () => {
  for (const listening of [":8080", "[::]:8080", "0.0.0.0:8080"]) {
    expect(advertisedAddress(listening)).toMatch(/^(\d+\.){3}\d+:8080$/);
    expect(advertisedAddress(listening)).not.toStartWith("0.0.0.0");
  }
});

test("an address on all interfaces is loopback's for who is on this machine", () => {
  for (const listening of [":8080", "[::]:8080", "0.0.0.0:8080"])
    expect(advertisedAddress(listening, "machine")).toBe("127.0.0.1:8080");
  expect(advertisedAddress("10.1.2.3:8080", "machine")).toBe("10.1.2.3:8080");
});
