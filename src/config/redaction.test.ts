import { expect, test } from "bun:test";
import { readEntries } from "./documents.ts";
import { ownTree } from "./merge.ts";
import { redact, secretTexts, shownKey } from "./redaction.ts";
import { isSensitiveKey, isSensitivePath } from "./redaction-keys.ts";
import { holdsSecret, quiet, withoutPassword } from "./redaction-text.ts";
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
  "account_key",
  "masterKey",
  "ssl-key",
  "PSK",
  "passcode",
  "otp",
  "sig",
  "X-Amz-Signature",
  "bearer",
])("values under %p are not shown", (key) => {
  expect(isSensitiveKey(key)).toBe(true);
});

test.each(["host", "key", "compass", "records", "keyboard", "user", "pw", "signal", "auth"])(
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

test.each([
  ["root:word@tcp(db:3306)/shop?parseTime=true", "root:***@tcp(db:3306)/shop?parseTime=true"],
  ["root:w@r:d@unix(/tmp/mysql.sock)/shop", "root:***@unix(/tmp/mysql.sock)/shop"],
  ["root:word@/shop", "root:***@/shop"],
  ["root@tcp(db:3306)/shop", "root@tcp(db:3306)/shop"],
  ["a mail: to me@example.com / you", "a mail: to me@example.com / you"],
  ["https://ghp_word@github.com/a/b", "https://***@github.com/a/b"],
  ["nats://word@one:4222, nats://word@two:4222", "nats://***@one:4222, nats://***@two:4222"],
  ["https://word:@api.example", "https://***@api.example"],
  ["https://word:x-oauth-basic@github.com", "https://***@github.com"],
  ["https://host/path@2", "https://host/path@2"],
  ['{"user":"u","password":"word","port":1}', '{"user":"u","password":"***","port":1}'],
  ['see "password" : "w\\"ord", "user": "u"', 'see "password" : "***", "user": "u"'],
  ['{"dsn":"word"}', '{"dsn":"***"}'],
  ['{"apiKey":12345,"on":true}', '{"apiKey":***,"on":true}'],
  ['{"credentials":{"user":"u","key":"word"}}', '{"credentials":***'],
  ['"{\\"token\\":\\"word\\",\\"user\\":\\"u\\"}"', '"{\\"token\\":\\"***\\",\\"user\\":\\"u\\"}"'],
  ["{'password': 'word', 'user': 'u'}", "{'password': '***', 'user': 'u'}"],
  ["host: h\npassword: word\nmore: word", "host: h\npassword: ***"],
  ["Authorization: Bearer word", "Authorization: ***"],
  ["Authorization:Bearer word", "Authorization:***"],
  ["secret://default/db,configmap:shop", "secret://default/db,configmap:shop"],
  ["env:,secret:shop and secret:db", "env:,secret:shop and secret:***"],
  ["secret:shop,env:", "secret:shop,env:"],
  ["microrun --config='secret:shop'", "microrun --config='secret:shop'"],
  ["secret:word", "secret:***"],
  ["env:,password:word", "env:,password:***"],
  ["token-service:8080", "token-service:8080"],
  ["token-service:808080", "token-service:808080"],
  ["token-service:word", "token-service:***"],
  ["a:1,auth-token:8080", "a:1,auth-token:8080"],
  ["dial token-service:8080: refused", "dial token-service:8080: refused"],
  ["secrets.default.svc:443", "secrets.default.svc:443"],
  ["http://token-service:8080/v1", "http://token-service:8080/v1"],
  ["http://token-service:8080/?token=word", "http://token-service:8080/?token=***"],
  ["https://auth-token.shop.example:99999", "https://auth-token.shop.example:99999"],
  ["http://token:8080/v1", "http://token:8080/v1"],
  ["https://host/x/access-token:word", "https://host/x/access-token:***"],
  ["redis://password:word", "redis://password:***"],
  ["postgres://token-user:word@host/db", "postgres://token-user:***@host/db"],
  ["reg.io/secret-manager:v1.2", "reg.io/secret-manager:v1.2"],
  ["reg.io:5000/a/token:1.2", "reg.io:5000/a/token:1.2"],
  ["a/password:word", "a/password:***"],
  ["password:word", "password:***"],
  ["password:1234", "password:***"],
  ["DB_PASSWORD:1234", "DB_PASSWORD:***"],
  ["db.password:1234", "db.password:***"],
  ["{user:u,password:word}", "{user:u,password:***"],
  ["openssl -passin pass:word", "openssl -passin pass:***"],
  ["authorization:word", "authorization:***"],
  ["api-key:word", "api-key:***"],
  ["(?<token>\\w+)", "(?<token>\\w+)"],
  ["request.auth.token.email == 'a@b.c'", "request.auth.token.email == 'a@b.c'"],
  ["token => token.id", "token => token.id"],
  ["password==word", "password==***"],
  ["urn:ietf:token-type:access_token", "urn:ietf:token-type:access_token"],
  ["arn:aws:secretsmanager:eu:1:secret:db", "arn:aws:secretsmanager:eu:1:secret:db"],
  ['<password type="x">word</password>', '<password type="***">***'],
  ['<user a="b">u</user><password c="d">word', '<user a="b">u</user><password c="***">***'],
  ['<password value="word"/>', '<password value="***"/>'],
  ["https://h/?api_key=word", "https://h/?api_key=***"],
  ["https://h/?a=b&sig=w;ord&c=d", "https://h/?a=b&sig=***&c=d"],
  ["X-Api-Key: word", "X-Api-Key: ***"],
  ["API KEY = word", "API KEY = ***"],
  ["host=db pass=word", "host=db pass=***"],
  ["type=password host=db", "type=password host=db"],
  ["jwt=word", "jwt=***"],
  ["sentryDsn=word", "sentryDsn=***"],
  ["pass: word", "pass: ***"],
  ["db[password]=word", "db[password]=***"],
  ["spring.datasource.password=word", "spring.datasource.password=***"],
  ["AccountName=x;AccountKey=word==;Suffix=y", "AccountName=x;AccountKey=***;Suffix=y"],
  ["Server=db; Password = w&ord; Encrypt=yes", "Server=db; Password = ***; Encrypt=yes"],
  ["password=w;ord", "password=***"],
  ["password='a;word' host=db", "password='***' host=db"],
  ['Password="a"";word";Server=db', 'Password="***";Server=db'],
  ["Uid=sa;Pwd={a;word};Server=db", "Uid=sa;Pwd=***"],
  ["password='a'word host=db", "password='***'"],
  ["password: 'it''s word', user: u", "password: '***', user: u"],
  ['{"db:password":"word","user":"u"}', '{"db:password":"***","user":"u"}'],
  ['{"api key":"word"}', '{"api key":"***"}'],
  ['token := "word"', 'token := "***"'],
  [':token => "word"', ':token => "***"'],
  ["<user>u</user><password>word</password>", "<user>u</user><password>***"],
  ["the password is wrong: try again", "the password is wrong: try again"],
  ["password=", "password="],
])("%j is shown as %j", (text, shown) => {
  expect(withoutPassword(text)).toBe(shown);
  expect(holdsSecret(text)).toBe(text !== shown);
  const lines = Object.defineProperty({ [text]: "" }, wholeText, { value: text });
  const tree = redact(ownTree({ value: text, lines }), none);
  expect(tree.value).toBe(shown);
  if (text !== shown) expect(tree.lines).toBe(shown);
});

test.each([
  "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ\n",
  "---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2\n",
  "PuTTY-User-Key-File-3: ssh-ed25519\nPublic-Lines: 1\nAA\nPrivate-Lines: 1\nBB\n",
])("a private key is hidden in whichever form: %j", (text) => {
  expect(plain(redact(ownTree({ a: text }), none))).toEqual({ a: "***" });
  expect(plain(redact(ownTree(readEntries({ a: text }, "lines")), none))).toEqual({ a: "***" });
});

test.each([
  "machine h login u password word\n",
  "user=u\nmachine h login u password word\n",
  "<db>\n<password>word</password>\n</db>\n",
  "word is the token\n",
])("lines are hidden where one of them is a secret itself: %j", (text) => {
  const tree = ownTree(readEntries({ entry: text }, "lines"));
  expect(JSON.stringify(redact(tree, none))).not.toContain("word<");
  expect(JSON.stringify(redact(tree, none))).not.toMatch(/word"|"word/);
  expect(secretTexts(tree, none).join()).toContain("word");
});

test("a key is shown, but for a secret that became part of it", () => {
  expect(shownKey("machine h password w")).toBe("machine h password ***");
  expect(shownKey("<password>w")).toBe("<password>***");
  expect(shownKey("password: w")).toBe("password: ***");
  for (const key of ["api key", "DB_PASSWORD", "a b", "example.com/token", "***"])
    expect(shownKey(key)).toBe(key);
  const tree = ownTree(readEntries({ entry: "machine h password w=word\na=b\n" }, "lines"));
  expect(plain(redact(tree, none))).toEqual({
    entry: { "machine h password ***": "***", a: "b", "": "" },
  });
});

test("keys that differ in what is hidden alone stay apart", () => {
  const tree = ownTree({ "password: a": 1, "password: b": 2, "token: c": 4 });
  expect(Object.keys(redact(tree, none))).toEqual(["password: ***", "password: *** 2", "token: ***"]);
});

test("a secret that is a common word is known in a message by its quotes alone", () => {
  const message = 'expected string, a port, not "port" nor \\"string\\"';
  expect(quiet(message, ["string", "port"])).toBe('expected string, a port, not "***" nor \\"***\\"');
  expect(quiet("expected hunter or 12345", ["hunter", "12345"])).toBe("expected *** or ***");
});

test("a private key that was cut into lines is hidden, with a padding or without", () => {
  for (const last of ["MIIEpAIB=", "MIIEpAIB"]) {
    const text = `-----BEGIN RSA PRIVATE KEY-----\nMIIBVwIB\n${last}\n-----END RSA PRIVATE KEY-----\n`;
    const tree = ownTree(readEntries({ "tls.key": text }, "lines"));
    expect(plain(redact(tree, none))).toEqual({ "tls.key": "***" });
    const told = secretTexts(tree, none);
    expect(told).toContain(last.includes("=") ? "MIIBVwIB" : text);
  }
});

test("a secret is known in a message by whatever white space and quotes it is told", () => {
  const secret = '-----BEGIN KEY-----\r\nMII"E\\x\n\tzz==\n-----END KEY-----\n';
  for (const told of [
    secret,
    JSON.stringify(secret),
    JSON.stringify(JSON.stringify(secret)),
    secret.replaceAll(/\s+/g, " "),
  ]) {
    const message = quiet(`no\n good: <${told}> is not, nor <${told}>`, [secret]);
    expect(message).toMatch(/^no good: <"*\\*"*\*{3}.{0,8}> is not, nor <.{0,8}\*{3}.{0,8}>$/);
    expect(message).not.toMatch(/MII|BEGIN|END/);
  }
  expect(quiet("nothing of it", [secret, "a b"])).toBe("nothing of it");
  expect(quiet("not abc, not a b c", ["a b"])).toBe("not abc, not *** c");
});

test("a long value takes no long time to be looked through", () => {
  const length = 100_000;
  const runs = [
    "password",
    "://a:",
    "a",
    "@tcp(",
    '"',
    "\\",
    '\\"',
    '"a":',
    "a:",
    "://",
    "-----BEGIN ",
    "---- BEGIN PRIVATE ",
    "password ",
    "a=",
    "a.b=",
    "a: ",
    ";pass='a';",
    "?pass=x&",
    "a>",
    "'a",
    " ",
    "\n",
    "secret:a,",
    "env:,secret:a,",
    "://a-token:1,",
    "a/a-token:1,",
    "urn:token:",
    "<a b",
    "<a b>",
    "token => ",
  ];
  for (const run of runs) {
    for (const end of ["", "@", "@/", '"token":"']) {
      const hostile = run.repeat(length / run.length) + end;
      const began = performance.now();
      holdsSecret(hostile);
      shownKey(hostile);
      quiet(hostile, ["a secret"]);
      expect(performance.now() - began, JSON.stringify([run, end])).toBeLessThan(1000);
    }
  }
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
