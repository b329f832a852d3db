import { expect, test } from "bun:test";
import { listBytes } from "../../h2/h2.ts";
import { detailsField, okStatus } from "../status.ts";
import { statusFields } from "./status-fields.ts";

const status = { code: 5, message: "m".repeat(1000), details: new Uint8Array(300) };
const trailer = ["x-own", "t".repeat(100)];
const plain = ["grpc-status", "5", "grpc-message", status.message];
const whole = [...plain, detailsField, Buffer.from(status.details).toString("base64"), ...trailer];

test("what a caller takes is sent whole", () => {
  for (const most of [Number.POSITIVE_INFINITY, listBytes(whole)])
    expect(statusFields(status, trailer, most)).toEqual(whole);
  expect(statusFields(okStatus, trailer, 200)).toEqual(trailer);
});

test("details go first, then the end of the message, then the handler's own", () => {
  const withoutDetails = [...plain, ...trailer];
  for (const most of [listBytes(whole) - 1, listBytes(withoutDetails)])
    expect(statusFields(status, trailer, most)).toEqual(withoutDetails);
  const short = statusFields(status, trailer, listBytes(withoutDetails) - 200)!;
  expect(short).toEqual(["grpc-status", "5", "grpc-message", "m".repeat(800), ...trailer]);
  expect(statusFields(status, trailer, listBytes(withoutDetails) - 500)).toBeUndefined();
  expect(statusFields(status, ["x-own", "t".repeat(5000)], 4000)).toBeUndefined();
  expect(statusFields(okStatus, trailer, 100)).toBeUndefined();
});

test("the status arrives whatever the caller takes", () => {
  for (let most = 0; most < 1200; most += 7) {
    const fields = statusFields(status, [], most)!;
    expect(fields.slice(0, 2)).toEqual(["grpc-status", "5"]);
    expect(listBytes(fields)).toBeLessThanOrEqual(Math.max(most, listBytes(["grpc-status", "5"])));
  }
  expect(statusFields(okStatus, [], 0)).toEqual([]);
});
