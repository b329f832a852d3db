import { expect, test } from "bun:test";
import { MicrorunError } from "./errors.ts";
import { microErrorCode, microErrorJson, toMicroError } from "./micro-error.ts";

test("a Go Micro error is written as Go writes it", () => {
  const error = new MicrorunError("not_found", "boom err:404", { reason: "greeter.Hello" });
  expect(microErrorJson(toMicroError(error, "greeter"))).toBe(
    '{"id":"greeter.Hello","code":404,"detail":"boom err:404","status":"Not Found"}',
  );
});

test("angle brackets and ampersands are escaped as Go's encoder does", () => {
  expect(microErrorJson({ id: "a", code: 500, detail: "<b>&\u2028", status: "" })).toBe(
    '{"id":"a","code":500,"detail":"\\u003cb\\u003e\\u0026\\u2028","status":""}',
  );
});

test("without a reason the service's name is the id", () => {
  expect(toMicroError(new MicrorunError("aborted", "x"), "greeter")).toEqual({
    id: "greeter",
    code: 409,
    detail: "x",
    status: "Conflict",
  });
});

test("an HTTP code that go-micro's table lacks is unknown", () => {
  expect(microErrorCode(418)).toBe("unknown");
  expect(microErrorCode(409)).toBe("already_exists");
});
