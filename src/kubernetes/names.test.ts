import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import { checkLabelValue, checkMicroName, isLabel, isNamespace, isSubdomain, microName } from "./names.ts";

test("a service's name goes into a label byte by byte, as Go Micro's plugin writes it", () => {
  expect(microName("go.micro.srv/greeter")).toBe("go.micro.srv_greeter");
  expect(microName("topic:a.b")).toBe("topic_a.b");
  expect(microName("ünï")).toBe("__n__");
  expect(microName("go-micro_srv.1")).toBe("go-micro_srv.1");
});

test("a name of 54 bytes can be registered, one of 55 cannot", () => {
  expect(() => checkMicroName("a".repeat(54))).not.toThrow();
  expect(() => checkMicroName("a".repeat(55))).toThrow(
    /^service name a+: 55 bytes, where a label has room for 54$/,
  );
  // 53 characters, 55 bytes
  expect(() => checkMicroName(`a${"ü".repeat(2)}${"a".repeat(50)}`)).toThrow("55 bytes");
});

test("a name that does not begin and end with a letter or digit cannot be registered, and the error says what to do", () => {
  for (const name of ["foo_", "ünï", "-a", "a.", "/", ""]) {
    const error = thrown(() => checkMicroName(name));
    expect(error.code, name).toBe("invalid_argument");
    expect(error.message, name).toStartWith(`service name ${name === "" ? '""' : name}: `);
    expect(error.hint, name).toBe("choose another one with --server_name");
  }
  for (const name of ["a", "7", "aünb", "go.micro.srv/greeter"])
    expect(() => checkMicroName(name), name).not.toThrow();
});

test("what is not a label's value is refused for Kratos' form", () => {
  for (const value of ["bad name/x", "", "a".repeat(64), ".a", "ä"])
    expect(thrown(() => checkLabelValue("service version", value)).hint, value).toContain("--server_version");
  for (const value of ["v1.0.0", "a".repeat(63), "A_b-c.9"])
    expect(() => checkLabelValue("service name", value), value).not.toThrow();
});

test("only what can be a namespace comes into a path", () => {
  expect(["team-a", "a", "1"].every(isNamespace)).toBe(true);
  expect(["..", "a/b", "Team", "", "a.b", "-a", "a%2f", "a".repeat(64)].some(isNamespace)).toBe(false);
});

test("a subdomain is labels parted by dots, longer than a label's bytes, up to 253", () => {
  const names = ["greeter", "greeter.v1", "1", `${"a".repeat(64)}.b`, "a".repeat(253)];
  expect(names.every(isSubdomain)).toBe(true);
  expect(names.map(isLabel)).toEqual([true, false, true, false, false]);
  const wrong = ["", ".", "a..b", ".a", "a.", "a.-b", "a-.b", "A.b", "a_b", "a\n", "ä", "a".repeat(254)];
  expect(wrong.filter(isSubdomain)).toEqual([]);
});

function thrown(act: () => void): MicrorunError {
  try {
    act();
  } catch (error) {
    if (error instanceof MicrorunError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
