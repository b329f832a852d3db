import { expect, test } from "bun:test";
import { ownTree } from "./merge.ts";
import { isSensitiveKey, isSensitivePath, redact, secretTexts } from "./redaction.ts";
import { wholeText } from "./snapshot.ts";

const plain = (value: unknown) => JSON.parse(JSON.stringify(value));
const none = () => false;
const all = () => true;

test.each([
  "password",
  "DB_PASSWORD",
  "dbPasswd2",
  "MYSQL_PWD",
  "clientSecret",
  "access-token",
  "API_KEY",
  "apikey",
  "accessKey",
  "ssh.private-key",
  "credentials",
  "sentryDsn",
  "ConnectionString",
  "Authorization",
  "set-cookie",
  "DB_PASS",
])("values under %p are not shown", (key) => {
  expect(isSensitiveKey(key)).toBe(true);
});

test.each(["host", "key", "compass", "records", "keyboard", "user", "pw"])(
  "values under %p are shown",
  (key) => {
    expect(isSensitiveKey(key)).toBe(false);
  },
);

test("keys that the environment parted are known together", () => {
  expect(isSensitivePath(["stripe", "api", "key"])).toBe(true);
  expect(isSensitivePath(["aws", "access", "key", "id"])).toBe(true);
  expect(isSensitivePath(["records", "name"])).toBe(false);
  expect(isSensitivePath(["public", "key"])).toBe(false);
});

test("what is secret by its key is hidden, whatever it is, and all else is shown", () => {
  const tree = ownTree({
    db: { host: "h", password: 1234, empty: "" },
    secret: { user: "u", list: ["a"] },
    users: [{ name: "n", token: "t" }],
    plain: [1, true, null],
  });
  expect(plain(redact(tree, none))).toEqual({
    db: { host: "h", password: "***", empty: "" },
    secret: { user: "***", list: "***" },
    users: [{ name: "n", token: "***" }],
    plain: [1, true, null],
  });
});

test("what is secret by its source is hidden", () => {
  const tree = ownTree({ open: "x", closed: { a: "1", b: "2" } });
  expect(plain(redact(tree, ([first]) => first === "closed"))).toEqual({
    open: "x",
    closed: { a: "***", b: "***" },
  });
});

test("a secret that became a key of lines is hidden with them", () => {
  const text = Object.defineProperty({ hunter2: "" }, wholeText, { value: "hunter2" });
  expect(JSON.stringify(redact(ownTree({ db: text }), all))).toBe('{"db":"***"}');
  expect(JSON.stringify(redact(ownTree({ password: text }), none))).toBe('{"password":"***"}');
  const pem = { "-----BEGIN KEY-----": "", MIIEpAIB: "=" };
  expect(JSON.stringify(redact(ownTree({ tls: pem }), all))).toBe('{"tls":"***"}');
  expect(JSON.stringify(redact(ownTree({ db: { password: "", host: "h" } }), none))).toBe(
    '{"db":{"password":"***","host":"h"}}',
  );
});

test("a password within a value is hidden", () => {
  const tree = ownTree({
    url: "postgres://user:w@rd@host/db",
    cache: "redis://:word@host",
    sql: "Server=db;Password=a b;Encrypt=yes",
    hook: "https://host/x?access_token=abc&y=1",
    web: "https://host:8080/a@b",
  });
  expect(plain(redact(tree, none))).toEqual({
    url: "postgres://user:***@host/db",
    cache: "redis://:***@host",
    sql: "Server=db;Password=***;Encrypt=yes",
    hook: "https://host/x?access_token=***&y=1",
    web: expect.stringContaining("https://host"),
  });
});

test("a long value takes no long time to be looked through", () => {
  const hostile = ["password".repeat(20_000), "://a:".repeat(20_000), "a".repeat(200_000)].join(" ");
  expect(redact(ownTree({ hostile }), none).hostile).toBe(hostile);
});

test("the texts that may stand in no message are those of secrets, numbers too, the longest first", () => {
  const tree = ownTree({ db: { password: "hunter2", pin: 12345, short: "abc", on: true }, open: "shown" });
  expect(secretTexts(tree, ([first]) => first === "db")).toEqual(["hunter2", "12345"]);
});

test("a text that holds a password may stand in no message as a whole, nor a private key, which is not shown", () => {
  const key = "-----BEGIN PRIVATE KEY-----\nMII\n-----END PRIVATE KEY-----";
  const tree = ownTree({ url: "redis://u:hunter2@h", "tls.key": key });
  expect(secretTexts(tree, none).sort()).toEqual([key, "redis://u:hunter2@h"].sort());
  expect(plain(redact(tree, none))["tls.key"]).toBe("***");
});

test("the shell's own folders are shown", () => {
  expect(plain(redact(ownTree({ pwd: "/srv", oldpwd: "/", db: { pwd: "x" } }), none))).toEqual({
    pwd: "/srv",
    oldpwd: "/",
    db: { pwd: "***" },
  });
});
