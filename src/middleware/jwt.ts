/** JSON Web Tokens (RFC 7519) checked: signature, time, issuer, audience; the only file that imports jose. */
import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { Claims } from "../call.ts";
import { errorText, MicrorunError } from "../errors.ts";
import { type JwtOptions, keyOf } from "./jwt-key.ts";

export type { JwtOptions } from "./jwt-key.ts";

/**
 * Each token must have an end: its `exp`, or the age that it may have.
 * @throws MicrorunError `unauthenticated` for a token that does not hold; `unavailable` where the signer's keys cannot be had
 */
export type VerifyToken = (token: string) => Promise<Claims>;

const defaultTolerance = 5;
/** Longer ones are not looked at. */
const maxTokenLength = 16_384;
/** Of the signer's keys, for an answer. */
const fetchMs = 5000;

/** @throws MicrorunError `invalid_argument` for options that cannot hold */
export function jwtVerifier(options: JwtOptions): VerifyToken {
  const { issuer, audience = [], toleranceSeconds = defaultTolerance, maxAgeSeconds } = options;
  const { key: signer, algorithms } = keyOf(options);
  const key = signer instanceof URL ? createRemoteJWKSet(signer, { timeoutDuration: fetchMs }) : signer;
  const rules = {
    algorithms: [...algorithms],
    clockTolerance: toleranceSeconds,
    ...(maxAgeSeconds === undefined ? { requiredClaims: ["exp"] } : { maxTokenAge: maxAgeSeconds }),
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
