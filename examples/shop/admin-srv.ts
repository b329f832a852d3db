/** What administrators' browsers call: a token for name and password, and what needs that token. */
import { type Context, jwt, service, validate } from "microrun";
import { ownTokens } from "./own-tokens.ts";

/** For how long a token counts: it has no end of its own. */
const dayInSeconds = 24 * 60 * 60;

interface LoginRequest {
  readonly userName: string;
  readonly password: string;
}

interface User {
  readonly id: string;
  readonly userName: string;
  readonly nickName: string;
}

async function login({ userName, password }: LoginRequest, { client }: Context) {
  const user = await client.call<User>("go-micro.user-srv", "UserService.VerifyPassword", {
    userName,
    password,
  });
  const tokenInfo = {
    subject: user.userName,
    userId: user.id,
    userName: user.userName,
    platform: "TOKEN_PLATFORM_WEB",
    nickName: user.nickName,
  };
  const { token } = await client.call<{ token: string }>("go-micro.token-srv", "TokenService.GenerateToken", {
    tokenInfo,
  });
  return { id: user.id, userName: user.userName, token };
}

function getMe(_: object, { claims, client }: Context) {
  return client.call<User>("go-micro.user-srv", "UserService.GetUser", { id: claims?.uid });
}

export default service({
  name: "go-micro.admin-srv",
  version: "v1.0.0",
  proto: ["./proto/admin_srv.proto", "./proto/user_srv.proto", "./proto/token_srv.proto"],
  handlers: { AuthenticationService: { Login: login, GetMe: getMe } },
  middleware: [
    jwt((config) => ({
      secret: config.get<string>("token.key"),
      algorithms: ["HS256"],
      maxAgeSeconds: config.get("token.maxAgeSeconds", dayInSeconds),
      except: ["AuthenticationService.Login"],
    })),
    ownTokens,
    validate(),
  ],
});
