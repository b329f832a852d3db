/** Knows the users: `thangn` with the password `123456`, until there are others. */
import { MicrorunError, service } from "microrun";
import { openUsers, type Users } from "./users.ts";

let users: Users;

async function verifyPassword({ userName, password }: { userName: string; password: string }) {
  const user = await users.verify(userName, password);
  if (user === undefined)
    throw new MicrorunError("unauthenticated", "user name and password do not belong together", {
      reason: "WRONG_PASSWORD",
    });
  return user;
}

function getUser({ id }: { id: string }) {
  const user = users.find(id);
  if (user === undefined)
    throw new MicrorunError("not_found", `no user ${id}`, { reason: "DATA_NOT_FOUND", details: { id } });
  return user;
}

export default service({
  name: "go-micro.user-srv",
  version: "v1.0.0",
  proto: "./proto/user_srv.proto",
  handlers: { UserService: { VerifyPassword: verifyPassword, GetUser: getUser } },
  start: async ({ config }) => {
    users = await openUsers(config.get("users.file", ":memory:"));
    await users.add({ userName: "thangn", nickName: "Thang" }, "123456");
  },
  stop: () => users[Symbol.dispose](),
});
