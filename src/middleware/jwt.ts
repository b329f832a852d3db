/** JSON Web Tokens (RFC 7519) checked: signature, time, issuer, audience; the only file that imports jose. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { createRemoteJWKSet, errors, type JWTVerifyGetKey, jwtVerify } from "jose";
import { errorText, MicrorunError, usageError } from "../errors.ts";

/** One of `secret`, `publicKey` and `jwksUrl`: who signs, and thereby how. */
export interface JwtOptions {
  /** Shared with the signer: HS256, HS384, HS512. At least 32 bytes. */
  readonly secret?: Uint8Array;
  /** A PEM text: a public key, or a certificate. */
  readonly publicKey?: string;
  /** Where the signer publishes its keys (RFC 7517). They are kept, and asked for again where one is not known. */
  readonly jwksUrl?: string;
  /** What `iss` must be. @default any */
  readonly issuer?: string;
  /** One of these must be among `aud`. @default any */
  readonly audience?: readonly string[];
  /** How far clocks may be apart, in seconds. @default 5 */
  readonly toleranceSeconds?: number;
}

export type Claims = Readonly<Record<string, unknown>>;

/**
 * Each token must have an end (`exp`).
 * @throws MicrorunError `unauthenticated` for a token that does not hold; `unavailable` where the signer's keys cannot be had
 */
export type VerifyToken = (token: string) => Promise<Claims>;

const defaultTolerance = 5;
/** RFC 7518: a key as long as its hash. */
const minSecretBytes = 32;
/** Longer ones are not looked at. */
const maxTokenLength = 16_384;
/** Of the signer's keys, for an answer. */
const fetchMs = 5000;

const shared = ["HS256", "HS384", "HS512"];
const rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const asymmetric = [...rsa, "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
const curves: Readonly<Record<string, string>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};

/** @throws MicrorunError `invalid_argument` for options that cannot hold */
export function jwtVerifier(options: JwtOptions): VerifyToken {
  const { issuer, audience = [], toleranceSeconds = defaultTolerance } = options;
  const { key, algorithms } = keyOf(options);
  const rules = {
    algorithms: [...algorithms],
    clockTolerance: toleranceSeconds,
    requiredClaims: ["exp"],
    ...(issuer === undefined ? {} : { issuer }),
    ...(audience.length === 0 ? {} : { audience: [...audience] }),
  };
  return async (token) => {
    if (token.length > maxTokenLength) throw refused("it is too long");
    try {
      const { payload } = await (typeof key === "function"
        ? jwtVerify(token, key, rules)
        : jwtVerify(token, key, rules));
      return payload;
    } catch (error) {
      throw explained(error);
    }
  };
}

interface Key {
  readonly key: Uint8Array | KeyObject | JWTVerifyGetKey;
  /** The key decides, never the token. */
  readonly algorithms: readonly string[];
}

function keyOf({ secret, publicKey, jwksUrl }: JwtOptions): Key {
  const given = [secret, publicKey, jwksUrl].filter((one) => one !== undefined);
  if (given.length !== 1)
    throw usageError("JWT: its signer is not told", "give one of a secret, a public key and a JWKS URL");
  if (secret !== undefined) {
    if (secret.length < minSecretBytes)
      throw usageError(
        `JWT: a secret of ${secret.length} bytes is too short`,
        `use ${minSecretBytes} or more`,
      );
    return { key: secret, algorithms: shared };
  }
  if (publicKey !== undefined) {
    const key = readKey(publicKey);
    return { key, algorithms: algorithmsOf(key) };
  }
  return { key: createRemoteJWKSet(readUrl(jwksUrl!), { timeoutDuration: fetchMs }), algorithms: asymmetric };
}

function readKey(pem: string): KeyObject {
  const hint = "give a public key or a certificate in PEM, as openssl writes it";
  // a private key would do as well, and nobody meant to hand that out
  if (/PRIVATE KEY/.test(pem)) throw usageError("JWT: the key is a private one", hint);
  try {
    return createPublicKey(pem);
  } catch {
    throw usageError("JWT: the text holds no public key", hint);
  }
}

function algorithmsOf({ asymmetricKeyType: type, asymmetricKeyDetails }: KeyObject): readonly string[] {
  const curve = curves[asymmetricKeyDetails?.namedCurve ?? ""];
  if (type === "rsa") return rsa;
  if (type === "ed25519") return ["EdDSA", "Ed25519"];
  if (type === "ec" && curve !== undefined) return [curve];
  throw usageError(`JWT: keys of type ${type} sign no tokens`, "use RSA, P-256, P-384, P-521 or Ed25519");
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw usageError(`JWT: ${text}: not a URL`, "write it as https://issuer.example/.well-known/jwks.json");
}

function explained(error: unknown): MicrorunError {
  if (error instanceof errors.JWTExpired) return refused("it has expired");
  if (error instanceof errors.JWTClaimValidationFailed) return refused(`its ${error.claim} does not hold`);
  if (error instanceof errors.JOSEAlgNotAllowed || error instanceof errors.JOSENotSupported)
    return refused("its algorithm is not taken");
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
    return refused("its key is not known");
  if (error instanceof errors.JWSSignatureVerificationFailed) return refused("its signature is wrong");
  if (error instanceof errors.JWSInvalid || error instanceof errors.JWTInvalid) return refused("it is none");
  return new MicrorunError("unavailable", "the keys that tokens are checked by cannot be had", {
    hint: `see to the JWKS URL: ${errorText(error)}`,
    cause: error,
  });
}

function refused(why: string): MicrorunError {
  return new MicrorunError("unauthenticated", `the token does not hold: ${why}`);
}
