import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, delimiter, join } from "node:path";
import { stringify } from "yaml";
import type { MicrorunError } from "../../errors.ts";
import { type FindOptions, findAccess } from "./find-access.ts";

const folder = mkdtempSync(join(tmpdir(), "microrun-kubeconfig-"));
afterAll(() => rmSync(folder, { recursive: true }));

const pem = (name: string) => `-----BEGIN CERTIFICATE-----\n${name}\n-----END CERTIFICATE-----`;
const base64 = (text: string) => Buffer.from(text).toString("base64");

let files = 0;
function file(content: unknown, name = `file-${files++}`): string {
  const path = join(folder, name);
  mkdirSync(join(path, ".."), { recursive: true });
  writeFileSync(path, typeof content === "string" ? content : stringify(content));
  return path;
}

/** Of one cluster, user and context of the same name. */
function kubeconfig(name: string, cluster: object, user: object, context: object = {}): object {
  return {
    clusters: [{ name, cluster: { server: `https://${name}.example:6443`, ...cluster } }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, ...context } }],
    "current-context": name,
  };
}

/** As kubelet mounts it. */
function serviceAccount(namespace = "team-a"): string {
  const own = join(folder, `account-${files++}`);
  mkdirSync(own);
  file("token-1\n", join(own, "token").slice(folder.length));
  file(pem("cluster"), join(own, "ca.crt").slice(folder.length));
  file(namespace, join(own, "namespace").slice(folder.length));
  return own;
}

const nothing = join(folder, "nothing");

const find = (given: Partial<FindOptions>) =>
  findAccess({
    kubeconfig: undefined,
    context: undefined,
    server: undefined,
    serviceAccountFolder: nothing,
    signal: new AbortController().signal,
    ...given,
    env: { HOME: nothing, ...given.env },
  });

const failure = (given: Partial<FindOptions>): Promise<MicrorunError> =>
  find(given).then(
    () => {
      throw new Error("it was found");
    },
    (error) => error,
  );

const inPod = { KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" };

test("a pod's service account is used as kubelet mounts it", async () => {
  const access = await find({ serviceAccountFolder: serviceAccount(), env: inPod });
  expect(access).toMatchObject({ server: "https://10.96.0.1:443", namespace: "team-a" });
  const { route, headers } = await access.approach();
  expect(route).toEqual({ ca: pem("cluster"), insecure: false, proxy: undefined });
  expect(headers).toEqual({ authorization: "Bearer token-1" });
});

test("the API server's address may be IPv6", async () => {
  const env = { ...inPod, KUBERNETES_SERVICE_HOST: "fd00::1" };
  expect((await find({ serviceAccountFolder: serviceAccount(), env })).server).toBe("https://[fd00::1]:443");
});

test("a rotated token is read again at once when the old one is refused, and only then counts as another", async () => {
  const account = serviceAccount();
  const access = await find({ serviceAccountFolder: account, env: inPod });
  expect((await access.approach()).headers.authorization).toBe("Bearer token-1");
  expect(await access.renew()).toBe(false);
  writeFileSync(join(account, "token"), "token-2");
  expect((await access.approach()).headers.authorization).toBe("Bearer token-1");
  expect(await access.renew()).toBe(true);
  expect((await access.approach()).headers.authorization).toBe("Bearer token-2");
  rmSync(join(account, "token"));
  expect(await access.renew()).toBe(false);
  expect((await access.approach()).headers.authorization).toBe("Bearer token-2");
});

test("a kubeconfig that is asked for beats the pod's service account, the usual one does not", async () => {
  const path = file(kubeconfig("laptop", {}, { token: "t" }));
  const pod = { serviceAccountFolder: serviceAccount(), env: { ...inPod, KUBECONFIG: path } };
  expect((await find(pod)).server).toBe("https://10.96.0.1:443");
  expect((await find({ ...pod, kubeconfig: path })).server).toBe("https://laptop.example:6443");
  expect((await find({ ...pod, context: "laptop" })).server).toBe("https://laptop.example:6443");
});

test("certificates come as data or as files beside the kubeconfig, data first", async () => {
  file(pem("ca-file"), "pki/ca.pem");
  file(pem("cert-file"), "pki/cert.pem");
  file(pem("key-file"), "pki/key.pem");
  const paths = { "client-certificate": "pki/cert.pem", "client-key": "pki/key.pem" };
  const byFile = await find({
    kubeconfig: file(kubeconfig("a", { "certificate-authority": "pki/ca.pem" }, paths)),
  });
  expect((await byFile.approach()).route).toMatchObject({
    ca: pem("ca-file"),
    cert: pem("cert-file"),
    key: pem("key-file"),
  });
  const byData = await find({
    kubeconfig: file(
      kubeconfig(
        "a",
        { "certificate-authority-data": base64(pem("ca-data")), "certificate-authority": "pki/ca.pem" },
        {
          ...paths,
          "client-certificate-data": base64(pem("cert-data")),
          "client-key-data": base64(pem("key-data")),
        },
      ),
    ),
  });
  expect((await byData.approach()).route).toMatchObject({
    ca: pem("ca-data"),
    cert: pem("cert-data"),
    key: pem("key-data"),
  });
});

test.each<[string, object, Record<string, string>]>([
  ["a token", { token: "t" }, { authorization: "Bearer t" }],
  [
    "a password",
    { username: "john", password: "geheim" },
    { authorization: `Basic ${base64("john:geheim")}` },
  ],
  ["nothing", {}, {}],
  [
    "a person in whose place one acts",
    { token: "t", as: "jane", "as-groups": ["dev"] },
    { authorization: "Bearer t", "impersonate-user": "jane", "impersonate-group": "dev" },
  ],
])("a user may have %s", async (_, user, headers) => {
  const access = await find({ kubeconfig: file(kubeconfig("a", {}, user)) });
  expect((await access.approach()).headers).toEqual(headers);
});

test("a token file beside the kubeconfig beats a token, and is read again", async () => {
  const token = file("one\n", "token-file");
  const access = await find({
    kubeconfig: file(kubeconfig("a", {}, { token: "t", tokenFile: "token-file" })),
  });
  expect((await access.approach()).headers.authorization).toBe("Bearer one");
  writeFileSync(token, "two\n");
  expect(await access.renew()).toBe(true);
  expect((await access.approach()).headers.authorization).toBe("Bearer two");
});

test("TLS and proxy are as the cluster's entry says", async () => {
  const cluster = {
    "tls-server-name": "api.internal",
    "insecure-skip-tls-verify": true,
    "proxy-url": "http://proxy.example:3128",
  };
  const path = file(kubeconfig("a", cluster, {}, { namespace: "team-b" }));
  const access = await find({ kubeconfig: path });
  expect(access.namespace).toBe("team-b");
  const { route } = await access.approach();
  expect(route).toMatchObject({
    serverName: "api.internal",
    insecure: true,
    proxy: "http://proxy.example:3128",
  });
  const elsewhere = await find({ kubeconfig: path, server: "https://10.0.0.1:6443/" });
  expect(elsewhere.server).toBe("https://10.0.0.1:6443");
  expect((await elsewhere.approach()).route.serverName).toBeUndefined();
});

test("the files of KUBECONFIG are merged, the first to say something wins, missing ones are passed over", async () => {
  const first = file({ ...kubeconfig("a", {}, { token: "first" }), "current-context": "" });
  const second = file({
    ...kubeconfig("a", {}, { token: "second" }),
    contexts: [{ name: "both", context: { cluster: "b", user: "a" } }],
    clusters: [{ name: "b", cluster: { server: "https://b.example" } }],
    "current-context": "both",
  });
  const env = { KUBECONFIG: [nothing, first, second].join(delimiter) };
  const access = await find({ env });
  expect(access.server).toBe("https://b.example");
  expect((await access.approach()).headers.authorization).toBe("Bearer first");
  expect((await find({ env, context: "a" })).server).toBe("https://a.example:6443");
});

test("without KUBECONFIG it is ~/.kube/config", async () => {
  const path = file(kubeconfig("home", {}, {}), "home/.kube/config");
  expect((await find({ env: { HOME: join(path, "../..") } })).server).toBe("https://home.example:6443");
});

test("an http: server is asked without credentials, and needs no kubeconfig", async () => {
  expect(await find({ server: "http://127.0.0.1:8001/" })).toMatchObject({
    server: "http://127.0.0.1:8001",
    namespace: "default",
  });
  const path = file(kubeconfig("a", {}, { token: "geheim" }, { namespace: "team-b" }));
  const access = await find({ server: "http://127.0.0.1:8001", kubeconfig: path });
  expect(access.namespace).toBe("team-b");
  expect(await access.approach()).toEqual({ route: { insecure: false, proxy: undefined }, headers: {} });
});

const exec = (script: string, more: object = {}) => ({
  exec: { apiVersion: "client.authentication.k8s.io/v1", command: "sh", args: ["-c", script], ...more },
});

test("a plugin is run once, told what it needs, and run again when what it gave was refused or has expired", async () => {
  const ran = join(folder, "ran");
  const answer = (status: string) =>
    `echo "$OWN $KUBERNETES_EXEC_INFO" >> ${ran}; echo '{"kind":"ExecCredential","status":${status}}'`;
  const lasting = await find({
    kubeconfig: file(
      kubeconfig(
        "a",
        {},
        exec(answer('{"token":"t"}'), { env: [{ name: "OWN", value: "x" }], provideClusterInfo: true }),
      ),
    ),
    env: { PATH: process.env.PATH },
  });
  const [one, two] = await Promise.all([lasting.approach(), lasting.approach()]);
  expect([one.headers, two.headers]).toEqual([{ authorization: "Bearer t" }, { authorization: "Bearer t" }]);
  await lasting.approach();
  const runs = () => readFileSync(ran, "utf8").trim().split("\n");
  expect(runs()).toHaveLength(1);
  const [own, info] = runs()[0]!.split(/ (.*)/);
  expect(own).toBe("x");
  expect(JSON.parse(info!)).toEqual({
    apiVersion: "client.authentication.k8s.io/v1",
    kind: "ExecCredential",
    spec: { interactive: false, cluster: { server: "https://a.example:6443" } },
  });
  expect(await lasting.renew()).toBe(true);
  await lasting.approach();
  expect(runs()).toHaveLength(2);

  const expired = answer(
    `{"clientCertificateData":"c","clientKeyData":"k","expirationTimestamp":"2020-01-01T00:00:00Z"}`,
  );
  const passing = await find({
    kubeconfig: file(kubeconfig("a", {}, exec(expired))),
    env: { PATH: process.env.PATH },
  });
  expect((await passing.approach()).route).toMatchObject({ cert: "c", key: "k" });
  await passing.approach();
  expect(runs()).toHaveLength(4);
});

test("a plugin's relative path is the kubeconfig's folder's, though that is relative too", async () => {
  const plugin = file(`#!/bin/sh\necho '{"kind":"ExecCredential","status":{"token":"t"}}'\n`, "plugin");
  chmodSync(plugin, 0o700);
  const path = file(kubeconfig("a", {}, { exec: { command: "./plugin" } }));
  const before = process.cwd();
  for (const kubeconfig of [path, basename(path)]) {
    process.chdir(folder);
    try {
      const access = await find({ kubeconfig, env: { PATH: process.env.PATH } });
      expect((await access.approach()).headers).toEqual({ authorization: "Bearer t" });
    } finally {
      process.chdir(before);
    }
  }
});

test("what kubectl does not know, client-node's token-file, is not read", async () => {
  const user = { "token-file": file("geheim") };
  const access = await find({ kubeconfig: file(kubeconfig("a", {}, user)) });
  expect((await access.approach()).headers).toEqual({});
});

test.each<[string, object, RegExp, RegExp]>([
  ["fails", exec("echo please log in >&2; exit 1"), /by sh: please log in$/, /^run sh by hand/],
  ["prints no JSON", exec("echo geheim"), /by sh: it printed no JSON$/, /./],
  ["prints something else", exec('echo \'{"token":"geheim"}\''), /by sh: it printed no credentials$/, /./],
  [
    "is not there",
    { exec: { command: "no-such-plugin", installHint: "install it" } },
    /no such command$/,
    /^install it$/,
  ],
])("a plugin that %s is told, with what to do", async (_, user, message, hint) => {
  const access = await find({ kubeconfig: file(kubeconfig("a", {}, user)), env: { PATH: process.env.PATH } });
  const error = await access.approach().catch((error) => error);
  expect(error.code).toBe("unauthenticated");
  expect(error.message).toMatch(message);
  expect(error.hint).toMatch(hint);
});

const valid = kubeconfig("kind", {}, { token: "geheim" });

test.each<[string, () => Partial<FindOptions>, string, RegExp, RegExp]>([
  ["nothing", () => ({}), "failed_precondition", /^no cluster found/, /--kubeconfig/],
  [
    "a pod without a token",
    () => ({ env: inPod }),
    "failed_precondition",
    /no service account's token/,
    /automount/,
  ],
  [
    "a file that is not there",
    () => ({ kubeconfig: nothing }),
    "invalid_argument",
    /no such file/,
    /give the path/,
  ],
  ["a folder", () => ({ kubeconfig: folder }), "failed_precondition", /^cannot read the kubeconfig/, /file/],
  [
    "broken YAML",
    () => ({ kubeconfig: file("users: [\n geheim: {") }),
    "failed_precondition",
    /not YAML at line \d+/,
    /./,
  ],
  [
    "another text",
    () => ({ kubeconfig: file("geheim") }),
    "failed_precondition",
    /^cannot read|no current/,
    /./,
  ],
  [
    "an entry without a name",
    () => ({ kubeconfig: file({ ...valid, users: [{ user: { token: "geheim" } }] }) }),
    "failed_precondition",
    /users\[0\].name is missing/,
    /./,
  ],
  [
    "an unknown context",
    () => ({ kubeconfig: file(valid), context: "kint" }),
    "invalid_argument",
    /--kubernetes_context=kint: .*did you mean kind\?/,
    /^use one of kind$/,
  ],
  [
    "no current context",
    () => ({ kubeconfig: file({ ...valid, "current-context": "" }) }),
    "failed_precondition",
    /no current context/,
    /use one of kind/,
  ],
  [
    "a context of a cluster that is not there",
    () => ({ kubeconfig: file({ ...valid, clusters: [] }) }),
    "failed_precondition",
    /context kind of the kubeconfig: it names a cluster kind/,
    /add the cluster/,
  ],
  [
    "a user that only old clients understand",
    () => ({ kubeconfig: file(kubeconfig("a", {}, { "auth-provider": { name: "oidc", config: {} } })) }),
    "failed_precondition",
    /auth-provider oidc is not supported/,
    /exec plugin/,
  ],
  [
    "a CA that is no PEM",
    () => ({ kubeconfig: file(kubeconfig("a", { "certificate-authority-data": "geheim" }, {})) }),
    "failed_precondition",
    /^CA of the kubeconfig: not PEM/,
    /./,
  ],
  [
    "a server that is no URL",
    () => ({ server: "10.0.0.1:6443" }),
    "invalid_argument",
    /not the URL/,
    /such as/,
  ],
])("%s is told in words, with what to do, and without secrets", async (_, given, code, message, hint) => {
  const error = await failure(given());
  expect(error).toMatchObject({ name: "MicrorunError", code });
  expect(error.message).toMatch(message);
  expect(error.hint).toMatch(hint);
  expect(`${error.message}${error.hint}`).not.toContain("geheim");
});
