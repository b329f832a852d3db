import { expect, test } from "bun:test";
import type { Instance } from "../registry/registry.ts";
import { createPool, type Members } from "./pool.ts";

function at(address: string, more: Partial<Instance> = {}): Instance {
  return { id: `greeter-${address}`, service: "greeter", version: "1", address, metadata: {}, ...more };
}

test("10,000 instances that come and go leave nothing behind", () => {
  const pool = createPool();
  const stays = at("stays:1");
  let members: Members | undefined;
  for (let n = 0; n < 10_000; n++) {
    members = pool.replace(members, [stays, at(`10.0.${n >> 8}.${n & 255}:1`)]);
    expect(pool.size).toBe(2);
  }
  pool.forget(members!);
  expect(pool.size).toBe(0);
});

test("an address of two services is known until both have lost it", () => {
  const pool = createPool();
  const greeter = pool.replace(undefined, [at("a:1")]);
  const other = pool.replace(undefined, [at("a:1", { service: "other", id: "other-1" })]);
  const peer = pool.peer("a:1");
  pool.forget(greeter);
  expect(pool.peer("a:1")).toBe(peer!);
  pool.replace(other, []);
  expect(pool.peer("a:1")).toBeUndefined();
});

test("each protocol's address is known", () => {
  const pool = createPool();
  const both = at("a:1", { protocols: { grpc: "a:2", http: "a:1" } });
  const members = pool.replace(undefined, [both]);
  expect([pool.peer("a:1"), pool.peer("a:2")].map((peer) => peer?.address)).toEqual(["a:1", "a:2"]);
  pool.replace(members, []);
  expect(pool.size).toBe(0);
});

test("an address stays what it was while it is announced, also twice, and begins afresh for a new process", () => {
  const pool = createPool();
  const first = pool.replace(undefined, [at("a:1")]);
  const peer = pool.peer("a:1")!;
  peer.asideUntil = 5000;
  peer.inFlight = 3;
  const again = pool.replace(first, [at("b:1"), { ...at("a:1"), metadata: { changed: "yes" } }]);
  expect(pool.peer("a:1")).toBe(peer);
  expect(peer.asideUntil).toBe(5000);
  const two = pool.replace(again, [at("a:1"), at("a:1", { id: "restarted" })]);
  expect(peer.asideUntil).toBe(0);
  peer.asideUntil = 6000;
  const turned = pool.replace(two, [at("a:1", { id: "restarted" }), at("a:1")]);
  expect(peer.asideUntil).toBe(6000);
  pool.replace(turned, [at("a:1", { id: "restarted" })]);
  expect(peer.asideUntil).toBe(6000);
  expect(peer.inFlight).toBe(3);
});
