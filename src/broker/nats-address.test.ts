import { expect, test } from "bun:test";
import { parseNatsAddress } from "./nats-address.ts";

test("addresses give the servers, the usual port and no secret", () => {
  const { servers, options, stream } = parseNatsAddress([
    "nats://ann:s3cret@10.0.0.1:4223?jetstream=EVENTS",
    "10.0.0.2",
    "nats://[::1]:4224",
  ]);
  expect(servers).toEqual(["10.0.0.1:4223", "10.0.0.2:4222", "[::1]:4224"]);
  expect(stream).toBe("EVENTS");
  expect(JSON.stringify(options)).not.toContain("s3cret");
  expect(options.authenticator).toBeDefined();
  expect(options.tls).toBeUndefined();
});

test("nothing said is the usual server, without a stream", () => {
  const { servers, stream } = parseNatsAddress([]);
  expect([servers, stream]).toEqual([["127.0.0.1:4222"], undefined]);
});

test("tls:// asks for TLS", () => {
  expect(parseNatsAddress(["tls://nats.example"]).options.tls).toEqual({});
});

test.each([
  ["http://a:1", "http:// is not for NATS"],
  ["nats://a?jetsream=X", "jetsream is not known, did you mean jetstream?"],
  ["nats://a?jetstream=a.b", '"a.b" is no name of a stream'],
  ["nats://a?jetstream=", "jetstream is empty"],
  ["nats://a?creds=/nowhere/a.creds", "creds: ENOENT"],
])("%s is refused: %s", (address, why) => {
  expect(() => parseNatsAddress([address])).toThrow(why);
});
