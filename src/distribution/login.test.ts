import { describe, expect, test } from "bun:test";
import type { Credentials } from "./credentials-file.ts";
import { registryLogin } from "./login.ts";

const push = "repository:a/b:pull,push";
const bearer = 'Bearer realm="https://auth.example/token",service="s"';

/** A token server that numbers its tokens; each lasts 100 s. */
function login(who: Credentials | undefined) {
  const asked: { readonly url: URL; readonly init: RequestInit }[] = [];
  const clock = { now: 0 };
  const made = registryLogin({
    registry: "r.example",
    scopes: [push],
    credentials: async () => who,
    send: async (url, init) => {
      asked.push({ url, init });
      return Response.json({ token: `t${asked.length}`, expires_in: 100 });
    },
    now: () => clock.now,
  });
  return { ...made, asked, clock };
}

describe("a login", () => {
  test("sends nothing before it is asked", async () => {
    const { header, asked } = login({ username: "u", password: "p" });
    expect(await header()).toBeUndefined();
    expect(asked).toEqual([]);
  });

  test("gives name and password to a registry that wants these, and does not repeat refused ones", async () => {
    const { header, renew, isKnown } = login({ username: "ü", password: "p:w" });
    expect(await renew('Basic realm="r"', undefined)).toBe(true);
    const given = await header();
    expect(given).toBe(`Basic ${Buffer.from("ü:p:w").toString("base64")}`);
    expect(await renew('Basic realm="r"', given)).toBe(false);
    expect(await isKnown()).toBe(true);
    expect(await login(undefined).isKnown()).toBe(false);
    expect(await login(undefined).renew('Basic realm="r"', undefined)).toBe(false);
  });

  test("gets one token for all that ask at once, and the next one before its end", async () => {
    const { header, renew, asked, clock } = login({ username: "u", password: "p" });
    expect(await renew(bearer, undefined)).toBe(true);
    expect(await Promise.all([header(), header()])).toEqual(["Bearer t1", "Bearer t1"]);
    clock.now = 89_000;
    expect(await header()).toBe("Bearer t1");
    clock.now = 91_000;
    expect(await Promise.all([header(), header(), header()])).toEqual([
      "Bearer t2",
      "Bearer t2",
      "Bearer t2",
    ]);
    expect(asked.map(({ url }) => url.href)).toEqual(
      Array(2).fill("https://auth.example/token?service=s&scope=repository%3Aa%2Fb%3Apull%2Cpush"),
    );
  });

  test("gets one new token when several are refused the old one", async () => {
    const { header, renew } = login(undefined);
    await renew(bearer, undefined);
    expect(await Promise.all([renew(bearer, "Bearer t1"), renew(bearer, "Bearer t1")])).toEqual([true, true]);
    expect(await renew(bearer, "Bearer t1")).toBe(true);
    expect(await header()).toBe("Bearer t2");
  });

  test("asks for what the registry wants beyond what it thought of, and only for that", async () => {
    const { renew, asked } = login(undefined);
    await renew(`${bearer},scope="repository:a/b:pull repository:c/d:pull"`, undefined);
    expect(asked[0]?.url.searchParams.getAll("scope")).toEqual([push, "repository:c/d:pull"]);
    expect(asked[0]?.init.headers).toEqual({});
  });

  test("exchanges an identity token, and gives a registry token as it stands", async () => {
    const identity = login({ identityToken: "id" });
    await identity.renew(bearer, undefined);
    expect(identity.asked[0]?.init.method).toBe("POST");
    expect(Object.fromEntries(new URLSearchParams(String(identity.asked[0]?.init.body)))).toEqual({
      grant_type: "refresh_token",
      service: "s",
      client_id: "microrun",
      scope: push,
      refresh_token: "id",
    });
    const given = login({ registryToken: "mine" });
    expect(await given.renew(bearer, undefined)).toBe(true);
    expect(await given.header()).toBe("Bearer mine");
    expect(await given.renew(bearer, "Bearer mine")).toBe(false);
    expect(given.asked).toEqual([]);
  });

  test.each([
    [() => new Response("", { status: 401 }), "its token server answers 401", "unauthenticated"],
    [() => new Response("", { status: 503 }), "its token server answers 503", "unavailable"],
    [() => new Response("<html>"), "its token server gives no JSON", "unauthenticated"],
    [() => Response.json({ token: 7 }), "its token server gives no token", "unauthenticated"],
  ] as const)("tells what is wrong with the token server: %p", async (answer, why, code) => {
    const { renew } = registryLogin({
      registry: "r.example",
      scopes: [push],
      credentials: async () => undefined,
      send: async () => answer(),
    });
    const error = await renew(bearer, undefined).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code, message: `cannot log in to r.example: ${why}` });
  });
});
