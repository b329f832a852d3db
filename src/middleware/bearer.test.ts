import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import type { Call, Claims } from "../call.ts";
import { jwt } from "./bearer.ts";
import { callOf, refusal, standing } from "./middleware.contract.ts";

const secret = "a secret of more than thirty-two bytes";
const other = "another secret of thirty-two bytes!!";
const exp = Math.floor(Date.now() / 1000) + 600;

function token(claims: Claims, key = secret): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "HS256" })}.${part(claims)}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

const bearing = (claims: Claims, key = secret) => ({
  metadata: { authorization: `Bearer ${token(claims, key)}` },
});
const subject = async (call: Call): Promise<unknown> => call.claims?.sub ?? "nobody";

test("a handler sees the claims of a token that holds, whatever a caller says besides", async () => {
  const { around } = standing();
  const dispatch = jwt({ secret })(subject, around);
  expect(await dispatch(callOf(bearing({ sub: "7", exp })))).toBe("7");
  const forged = callOf({ metadata: { claims: '{"sub":"1"}', "x-jwt-subject": "1", "x-jwt-claims": "e30" } });
  expect(await refusal(dispatch(forged))).toBe("unauthenticated: a token is needed");
  expect(forged.reply?.header.get("www-authenticate")).toBe("Bearer");
  expect(await refusal(dispatch(callOf({ metadata: { authorization: "Basic YTpi" } })))).toBe(
    "unauthenticated: the authorization is no bearer token",
  );
});

test("what is excepted needs no token, sees the claims of one that holds, and nothing of one that does not", async () => {
  const { around } = standing();
  const dispatch = jwt({ secret, except: ["Greeter.Hello"] })(subject, around);
  expect(await dispatch(callOf())).toBe("nobody");
  expect(await dispatch(callOf(bearing({ sub: "7", exp })))).toBe("7");
  expect(await dispatch(callOf(bearing({ sub: "7", exp }, other)))).toBe("nobody");
  expect(await refusal(dispatch(callOf({ method: "Slow" })))).toContain("a token is needed");
});

test("a path that is excepted is that path, however others write it", async () => {
  const { around } = standing();
  const web = jwt({ secret, except: ["/login", "/assets/*"] }).web?.(
    ({ claims }) => Response.json(claims ?? null),
    around,
  );
  const status = async (path: string): Promise<unknown> => {
    try {
      const answer = await web?.({ request: new Request(`http://localhost${path}`) });
      return answer?.status;
    } catch (error) {
      return (error as { code: string }).code;
    }
  };
  for (const path of ["/login", "/login?a=1", "/assets/a/b.js"]) expect(await status(path), path).toBe(200);
  for (const path of [
    "/",
    "/login/",
    "/loginx",
    "/assets",
    "/assets/..%2fadmin",
    "/assets//admin",
    "/assets/%2e%2e/admin",
  ])
    expect(await status(path), path).toBe("unauthenticated");
});

test("a key of the configuration is followed, and one that is too short is not taken", async () => {
  const { around, set, log } = standing({ key: secret });
  const layer = jwt((config) => ({ secret: config.get<string>("key") }));
  const dispatch = layer(subject, around);
  expect(await dispatch(callOf(bearing({ sub: "7", exp })))).toBe("7");
  set({ key: other });
  expect(await refusal(dispatch(callOf(bearing({ sub: "7", exp }))))).toContain("its signature is wrong");
  expect(await dispatch(callOf(bearing({ sub: "7", exp }, other)))).toBe("7");
  set({ key: "short" });
  expect(await dispatch(callOf(bearing({ sub: "7", exp }, other)))).toBe("7");
  expect(JSON.stringify(log.records())).not.toContain(other);
  expect(log.records().at(-1)?.message).toContain("a secret of 5 bytes is too short");
});

test("options that cannot hold are refused, and none of them is shown", () => {
  const cases = [
    [{}, "its signer is not told"],
    [{ secret: "short" }, "a secret of 5 bytes is too short"],
    [{ secret, algorithms: ["none"] }, 'algorithms "none": not the key\'s'],
    [{ secret, algorithms: ["RS256"] }, 'algorithms "RS256": not the key\'s'],
    [{ secret, audiance: "shop" }, "audiance: no such option, did you mean audience?"],
    [{ secret, except: ["Greeter.Bye"] }, "Greeter.Bye: no such method"],
    [{ secret, except: ["/a*b"] }, "/a*b: not a path"],
  ] as const;
  const { around } = standing();
  for (const [options, text] of cases)
    expect(() => jwt(options as never)(subject, around), text).toThrow(text);
});
