import { describe, expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { encodeText } from "../grpc-fields.ts";
import { fromStatus, type Status, shortMessage, speaksMicro, toStatus } from "./status.ts";

// captured from go-micro v2 and v5 (INTEROP §1.4) and from Kratos (§2.2)
const microBytes =
  "CAUSTnsiaWQiOiJncmVldGVyLkhlbGxvIiwiY29kZSI6NDA0LCJkZXRhaWwiOiJib29tIGVycjo0MDQiLCJzdGF0dXMiOiJOb3QgRm91bmQifRpPCiB0eXBlLmdvb2dsZWFwaXMuY29tL2Vycm9ycy5FcnJvchIrCg1ncmVldGVyLkhlbGxvEJQDGgxib29tIGVycjo0MDQiCU5vdCBGb3VuZA==";
const microText = '{"id":"greeter.Hello","code":404,"detail":"boom err:404","status":"Not Found"}';
const kratosBytes =
  "CAUSDGJvb20gZXJyOjQwNBpGCih0eXBlLmdvb2dsZWFwaXMuY29tL2dvb2dsZS5ycGMuRXJyb3JJbmZvEhoKDEdSRUVURVJfQk9PTRoKCgNmb28SA2Jhcg==";

const base64 = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString("base64");

test("Go Micro's callers get its own error, byte for byte", () => {
  const error = new MicrorunError("not_found", "boom err:404", { reason: "greeter.Hello" });
  const status = toStatus(error, true, "greeter");
  expect(status.code).toBe(5);
  expect(status.message).toBe(microText);
  expect(base64(status.details)).toBe(microBytes);
});

test("Kratos' callers get an ErrorInfo, byte for byte", () => {
  const error = new MicrorunError("not_found", "boom err:404", {
    reason: "GREETER_BOOM",
    details: { foo: "bar" },
  });
  const status = toStatus(error, false, "greeter");
  expect(status).toMatchObject({ code: 5, message: "boom err:404" });
  expect(base64(status.details)).toBe(kratosBytes);
});

test("an error without reason or details is sent without details", () => {
  expect(toStatus(new MicrorunError("not_found", "no user 7"), false, "x")).toEqual({
    code: 5,
    message: "no user 7",
  });
});

test("Go Micro's codes go through its own table", () => {
  const codeOf = (code: "aborted" | "unknown" | "unauthenticated") =>
    toStatus(new MicrorunError(code, "x"), true, "s").code;
  expect([codeOf("aborted"), codeOf("unknown"), codeOf("unauthenticated")]).toEqual([6, 13, 16]);
});

test("a long or broken text is made sendable", () => {
  expect(toStatus(new MicrorunError("internal", "x".repeat(1e6)), true, "s").message.length).toBeLessThan(
    5000,
  );
  expect(toStatus(new MicrorunError("internal", "a\ud800"), false, "s").message).toBe("a\ufffd");
});

describe("what is larger than callers take of header fields", () => {
  const sent = ({ message, details = new Uint8Array() }: Status) => ({
    message: encodeText(message).length,
    details: base64(details).length,
  });

  test("is bounded as it travels, whatever the characters", () => {
    for (const char of ["x", "%", "é", "漢", "\u{1f600}", "\ud800", '"', "<", "\n"]) {
      for (const length of [300, 1e5]) {
        const error = new MicrorunError("internal", char.repeat(length), { reason: "R" });
        for (const micro of [false, true]) {
          const status = toStatus(error, micro, "s");
          expect(sent(status).message).toBeWithin(300, 3073);
          expect(sent(status).details).toBeLessThanOrEqual(4096);
          const { message, reason } = fromStatus(status);
          // no character is cut in half
          expect(error.message.toWellFormed().startsWith(message) && message.isWellFormed()).toBe(true);
          expect(reason).toBe("R");
          if (!micro) expect(status.details).toBeDefined();
        }
      }
    }
  });

  test("is cut no shorter than it must be", () => {
    for (const [char, bytes] of [
      ["x", 1],
      ["漢", 9],
      ["\u{1f600}", 12],
    ] as const) {
      const { message } = toStatus(new MicrorunError("internal", char.repeat(1e5)), false, "s");
      expect([...message].length).toBe(Math.floor(3072 / bytes));
    }
  });

  test("follows what the caller says that it takes", () => {
    const error = new MicrorunError("internal", "x".repeat(1e5), { details: { key: "v".repeat(500) } });
    const of = (bytes: number) => sent(toStatus(error, false, "s", bytes));
    expect(of(1024)).toEqual({ message: 384, details: 0 });
    expect(of(4096)).toMatchObject({ message: 1536 });
    expect(of(1e9).message).toBe(6144);
    expect(of(8192).details).toBeWithin(1, 4097);
  });

  test("stays JSON for Go Micro's callers, in the message alone where details would be too large", () => {
    const status = toStatus(new MicrorunError("not_found", "é".repeat(1e5), { reason: "R" }), true, "s");
    expect(JSON.parse(status.message)).toMatchObject({ id: "R", code: 404, status: "Not Found" });
    const long = toStatus(new MicrorunError("not_found", "x".repeat(1e5)), true, "s");
    expect(long.details).toBeUndefined();
    expect(fromStatus(long).message.length).toBeGreaterThan(2900);
    const named = toStatus(new MicrorunError("not_found", "why", { reason: "R".repeat(1e5) }), true, "s");
    expect(JSON.parse(named.message)).toMatchObject({ id: "", code: 404, detail: "why" });
  });

  test("is shortened again for a caller that takes less", () => {
    const micro = toStatus(new MicrorunError("not_found", "é <b>".repeat(1e3)), true, "s").message;
    const short = shortMessage(micro, 300);
    expect(encodeText(short).length).toBeWithin(250, 301);
    expect(JSON.parse(short)).toMatchObject({ id: "s", code: 404 });
    expect(shortMessage("漢".repeat(10), 20)).toBe("漢漢");
    expect(shortMessage("short", 300)).toBe("short");
    expect(shortMessage("x", 0)).toBe("");
  });
});

test("errors of every peer are read", () => {
  const read = (code: number, message: string, details?: string) => {
    const error = fromStatus({
      code,
      message,
      ...(details === undefined ? {} : { details: Buffer.from(details, "base64") }),
    });
    return [error.code, error.message, error.reason, error.details];
  };
  expect(read(5, microText, microBytes)).toEqual(["not_found", "boom err:404", "greeter.Hello", undefined]);
  expect(read(5, microText)).toEqual(["not_found", "boom err:404", "greeter.Hello", undefined]);
  expect(read(5, "boom err:404", kratosBytes)).toEqual([
    "not_found",
    "boom err:404",
    "GREETER_BOOM",
    { foo: "bar" },
  ]);
  expect(read(2, "plain boom")).toEqual(["unknown", "plain boom", undefined, undefined]);
  expect(read(2, '{"id":"x","code":418,"detail":"tea","status":""}')).toEqual([
    "unknown",
    "tea",
    "x",
    undefined,
  ]);
  expect(read(3, '{"not":"micro"}')).toEqual(["invalid_argument", '{"not":"micro"}', undefined, undefined]);
  expect(read(14, "down", "////")).toEqual(["unavailable", "down", undefined, undefined]);
  expect(read(99, "odd")).toEqual(["unknown", "odd", undefined, undefined]);
});

test("Go Micro's callers are known by their headers", () => {
  expect(speaksMicro({ "x-content-type": "application/grpc+proto" })).toBe(true);
  expect(speaksMicro({ "micro-from-service": "a" })).toBe(true);
  expect(speaksMicro({ "content-type": "application/grpc+proto", timeout: "5000000000" })).toBe(true);
  expect(speaksMicro({ "content-type": "application/grpc+proto" })).toBe(false);
  expect(speaksMicro({ "content-type": "application/grpc", "user-agent": "grpc-go/1.85.0" })).toBe(false);
  expect(speaksMicro({ "user-agent": "microrun/0.1.0 grpc-node-js/1.14.7", "x-content-type": "x" })).toBe(
    false,
  );
});

test("what a request got wrong and when to call again are told to those who can read it, and come back the same", () => {
  const violations = [
    { field: "name", description: "too short" },
    { field: "items[1].price", description: "größer als 0" },
  ];
  const error = new MicrorunError("invalid_argument", "name: too short", {
    reason: "INVALID_REQUEST",
    violations,
    retryMs: 90_061_250,
  });
  const status = toStatus(error, false, "x");
  expect(fromStatus(status)).toMatchObject({ reason: "INVALID_REQUEST", violations, retryMs: 90_061_250 });
  const micro = toStatus(error, true, "x").details ?? new Uint8Array();
  expect(Buffer.from(micro).toString("latin1")).not.toContain("google.rpc");
  // google.rpc.Status{3, "x", [Any RetryInfo{1.5 s}]}, as Go writes it
  const retry = toStatus(new MicrorunError("invalid_argument", "x", { retryMs: 1500 }), false, "x");
  expect(base64(retry.details)).toBe(
    "CAMSAXgaNgoodHlwZS5nb29nbGVhcGlzLmNvbS9nb29nbGUucnBjLlJldHJ5SW5mbxIKCggIARCAyrXuAQ==",
  );
});
