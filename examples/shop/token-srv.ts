/** Signs tokens: HS256, with the claims `iat`, `platform`, `sub` and `uid`. */
import { SignJWT } from "jose";
import { type Context, MicrorunError, service } from "microrun";

interface GenerateTokenRequest {
  readonly tokenInfo?: { readonly subject: string; readonly userId: string; readonly platform: string };
}

async function generateToken({ tokenInfo }: GenerateTokenRequest, { config }: Context) {
  if (!tokenInfo?.subject || !tokenInfo.userId)
    throw new MicrorunError("invalid_argument", "tokenInfo: a subject and a userId are needed");
  const { subject: sub, userId: uid, platform } = tokenInfo;
  const claims = { iat: Math.floor(Date.now() / 1000), platform, sub, uid };
  const token = await new SignJWT(claims)
    .setProtectedHeader({ alg: "HS256", typ: "JWT" })
    .sign(Buffer.from(config.get<string>("token.key")));
  return { token };
}

export default service({
  name: "go-micro.token-srv",
  version: "v1.0.0",
  proto: "./proto/token_srv.proto",
  handlers: { TokenService: { GenerateToken: generateToken } },
  start: ({ config }) => {
    // as long as the hash (RFC 7518): with less, tokens could be forged
    if (Buffer.from(`${config.get("token.key", "")}`).length < 32)
      throw new MicrorunError("failed_precondition", "token.key: shorter than 32 bytes", {
        hint: "set TOKEN_KEY=$(openssl rand -hex 32), the same for admin-srv",
      });
  },
});
