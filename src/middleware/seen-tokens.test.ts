import { expect, test } from "bun:test";
import type { Claims } from "../call.ts";
import { rememberTokens } from "./seen-tokens.ts";

function tried(claims: Claims, maxAgeSeconds?: number) {
  let time = 1_000_000;
  let asked = 0;
  const verify = rememberTokens(
    async (token) => {
      asked++;
      if (token === "bad") throw new Error("it does not hold");
      return structuredClone(claims);
    },
    { maxAgeSeconds, now: () => time },
  );
  return {
    verify,
    asked: () => asked,
    wait: (ms: number): void => {
      time += ms;
    },
  };
}

test("a token that held is not checked again for a minute, and never after its own end", async () => {
  const long = tried({ sub: "7", exp: 9_999 });
  for (let i = 0; i < 5; i++) await long.verify("a");
  long.wait(59_999);
  await long.verify("a");
  expect(long.asked()).toBe(1);
  long.wait(1);
  await long.verify("a");
  expect(long.asked()).toBe(2);

  for (const short of [tried({ exp: 1_005 }), tried({ iat: 1_000, exp: 9_999 }, 5)]) {
    await short.verify("a");
    short.wait(4999);
    await short.verify("a");
    expect(short.asked()).toBe(1);
    short.wait(1);
    await short.verify("a");
    expect(short.asked()).toBe(2);
  }
});

test("a token that does not hold is looked at each time, and others are told apart", async () => {
  const { verify, asked } = tried({});
  for (let i = 0; i < 3; i++) expect(verify("bad")).rejects.toThrow("it does not hold");
  await verify("a");
  await verify("b");
  expect(asked()).toBe(5);
});

test("as many tokens are remembered as may be, the longest unused is forgotten", async () => {
  const { verify, asked } = tried({});
  await verify("first");
  for (let i = 0; i < 1500; i++) {
    await verify(`token ${i}`);
    if (i % 500 === 0) await verify("first");
  }
  expect(asked()).toBe(1501);
  await verify("token 0");
  expect(asked()).toBe(1502);
});

test("claims cannot be changed for the next call", async () => {
  const { verify } = tried({ roles: ["user"] });
  const claims = (await verify("a")) as { roles: string[] };
  expect(() => claims.roles.push("admin")).toThrow();
});
