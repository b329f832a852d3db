import { expect, test } from "bun:test";
import { createHmac, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { MicrorunError } from "../errors.ts";
import { jwtVerifier, type VerifyToken } from "./jwt.ts";

const secret = new TextEncoder().encode("a secret of more than thirty-two bytes");
const inAnHour = Math.floor(Date.now() / 1000) + 3600;
const claims = { sub: "7", iss: "https://issuer.example", aud: ["shop"], exp: inAnHour };

const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function shared(payload: object, key: Uint8Array = secret, header: object = { alg: "HS256" }): string {
  const text = `${part(header)}.${part(payload)}`;
  return `${text}.${createHmac("sha256", key).update(text).digest("base64url")}`;
}

function signed(payload: object, key: KeyObject, alg: string): string {
  const text = `${part({ alg })}.${part(payload)}`;
  const how = alg.startsWith("ES") ? { key, dsaEncoding: "ieee-p1363" as const } : key;
  return `${text}.${sign("sha256", Buffer.from(text), how).toString("base64url")}`;
}

async function refusal(verify: VerifyToken, token: string): Promise<string> {
  const error = MicrorunError.from(await verify(token).catch((error: unknown) => error));
  return `${error.code}: ${error.message}`;
}

const verify = jwtVerifier({ secret, issuer: claims.iss, audience: ["shop", "admin"] });
const why = "unauthenticated: the token does not hold:";

test("a token that holds gives its claims", async () => {
  expect(await verify(shared(claims))).toEqual(claims);
});

test("a token that does not hold is refused, and why is said", async () => {
  const cases: readonly (readonly [token: string, why: string])[] = [
    [shared({ ...claims, exp: inAnHour - 7200 }), "it has expired"],
    [shared({ ...claims, nbf: inAnHour }), "its nbf does not hold"],
    [shared({ ...claims, exp: undefined }), "its exp does not hold"],
    [shared({ ...claims, aud: "other" }), "its aud does not hold"],
    [shared({ ...claims, iss: "https://other.example" }), "its iss does not hold"],
    [
      shared(claims, new TextEncoder().encode("another secret of thirty-two bytes!!")),
      "its signature is wrong",
    ],
    [`${part({ alg: "none" })}.${part(claims)}.`, "its algorithm is not taken"],
    [shared(claims, secret, { alg: "RS256" }), "its algorithm is not taken"],
    ["not-a-token", "it is none"],
    ["", "it is none"],
    ["a".repeat(20_000), "it is too long"],
  ];
  for (const [token, text] of cases) expect(await refusal(verify, token), text).toBe(`${why} ${text}`);
});

test("a token without an end holds as long as it is not too old", async () => {
  const young = jwtVerifier({ secret, maxAgeSeconds: 60 });
  const now = Math.floor(Date.now() / 1000);
  expect(await young(shared({ iat: now - 50 }))).toEqual({ iat: now - 50 });
  expect(await refusal(young, shared({ iat: now - 70 }))).toBe(`${why} it has expired`);
  expect(await refusal(young, shared({ iat: now, exp: now - 10 }))).toBe(`${why} it has expired`);
  expect(await refusal(young, shared({ iat: now + 60 }))).toBe(`${why} its iat does not hold`);
  expect(await refusal(young, shared({ sub: "7" }))).toBe(`${why} its iat does not hold`);
  expect(() => jwtVerifier({ secret, maxAgeSeconds: 0 })).toThrow("no token would hold");
});

test("a public key's tokens hold, and its text is no secret to sign by", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
  const own = jwtVerifier({ publicKey: pem });
  expect(await own(signed(claims, privateKey, "ES256"))).toEqual(claims);
  expect(await refusal(own, shared(claims, Buffer.from(pem)))).toBe(`${why} its algorithm is not taken`);
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const rsaPem = rsa.publicKey.export({ type: "spki", format: "pem" }).toString();
  expect(await jwtVerifier({ publicKey: rsaPem })(signed(claims, rsa.privateKey, "RS256"))).toEqual(claims);
});

test("options that cannot hold are refused", () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  expect(() => jwtVerifier({})).toThrow("its signer is not told");
  expect(() => jwtVerifier({ secret, publicKey: pem })).toThrow("its signer is not told");
  expect(() => jwtVerifier({ secret: secret.slice(0, 31) })).toThrow("a secret of 31 bytes is too short");
  expect(() => jwtVerifier({ publicKey: pem })).toThrow("the key is a private one");
  expect(() => jwtVerifier({ publicKey: "nothing" })).toThrow("holds no public key");
  expect(() => jwtVerifier({ jwksUrl: "file:///etc/passwd" })).toThrow("not a URL");
});
