/** Who signs the tokens that are taken, and by which algorithms: the key decides, never the token. */
import { createPublicKey, type KeyObject } from "node:crypto";
import { usageError } from "../errors.ts";

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
  /** How old a token may be by its `iat`, in seconds: it need not have an end then. @default as old as its `exp` says */
  readonly maxAgeSeconds?: number;
  /** Those that are taken, of those that the key could make. @default all of them; `none` never */
  readonly algorithms?: readonly string[];
}

/** RFC 7518: a key as long as its hash. */
const minSecretBytes = 32;

const shared = ["HS256", "HS384", "HS512"];
const rsa = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const asymmetric = [...rsa, "ES256", "ES384", "ES512", "EdDSA", "Ed25519"];
const curves: Readonly<Record<string, string>> = {
  prime256v1: "ES256",
  secp384r1: "ES384",
  secp521r1: "ES512",
};

export interface JwtKey {
  /** A URL: keys are published there. */
  readonly key: Uint8Array | KeyObject | URL;
  readonly algorithms: readonly string[];
}

/** @throws MicrorunError `invalid_argument` for options that cannot hold */
export function keyOf(options: JwtOptions): JwtKey {
  if (options.maxAgeSeconds === 0)
    throw usageError("JWT: maxAgeSeconds is 0: no token would hold", "say how old one may be");
  const { key, algorithms } = signerOf(options);
  const asked = options.algorithms ?? algorithms;
  const other = asked.find((one) => !algorithms.includes(one));
  if (other !== undefined || asked.length === 0)
    throw usageError(
      `JWT: algorithms ${JSON.stringify(other ?? [])}: not the key's`,
      `use some of ${algorithms.join(", ")}`,
    );
  return { key, algorithms: asked };
}

function signerOf({ secret, publicKey, jwksUrl }: JwtOptions): JwtKey {
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
  return { key: readUrl(jwksUrl!), algorithms: asymmetric };
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
