import { expect, test } from "bun:test";
import { codeName, codes, didYouMean, MicrorunError, nearest } from "./errors.ts";

test("the codes are the 16 of gRPC, by number and back", () => {
  expect(Object.values(codes) as number[]).toEqual(Array.from({ length: 16 }, (_, index) => index + 1));
  for (const [name, number] of Object.entries(codes)) expect(codeName(number)).toBe(name as never);
  expect(codeName(99)).toBe("unknown");
});

test("a code that does not exist is refused with the nearest one", () => {
  expect(() => new MicrorunError("notfound" as never, "x")).toThrow(
    "notfound: not a code, did you mean not_found?",
  );
});

test("anything thrown becomes internal, its text kept from the caller and its cause for the log", () => {
  const cause = new Error("password is hunter2");
  const error = MicrorunError.from(cause);
  expect(error.code).toBe("internal");
  expect(error.message).toBe("internal error");
  expect(error.cause).toBe(cause);
  const own = new MicrorunError("not_found", "no user 7");
  expect(MicrorunError.from(own)).toBe(own);
});

test("the nearest name is offered only when it is near", () => {
  expect(nearest("server_adress", ["server_address", "server_name"])).toBe("server_address");
  expect(nearest("xyz", ["server_address", "server_name"])).toBeUndefined();
  expect(didYouMean("helo", [])).toBe("");
});
