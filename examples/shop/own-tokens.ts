/** A middleware: of the tokens that are signed well, those that were made for this shop's pages alone. */
import { type Layer, MicrorunError } from "microrun";

/** One for another audience is signed with the same key, perhaps, and yet not meant for us (RFC 7519, 4.1.3). */
export const ownTokens: Layer = (next) => (call) => {
  const { claims } = call;
  if (claims !== undefined && (claims.aud !== undefined || claims.platform !== "TOKEN_PLATFORM_WEB"))
    throw new MicrorunError("unauthenticated", "the token was made for others");
  return next(call);
};
