import { expect, test } from "bun:test";
import { listenError } from "../address.ts";
import { judgeNats } from "./broker.ts";
import { calleesIn, judgeService } from "./callees.ts";
import { judgeModule } from "./module.ts";
import { judgeNames, readNames } from "./name-server.ts";
import { judgeAdvertised, judgePort } from "./ports.ts";
import { judgeLimits, openFiles } from "./process-limits.ts";
import { judgeFolder, judgeMulticast } from "./registry.ts";
import { judgeSurroundings, muslVersion, type Surroundings } from "./surroundings.ts";
import { versionsCheck } from "./versions.ts";

const statuses = (findings: readonly { status: string }[]): string[] => findings.map(({ status }) => status);
const busy = async (address: string) => {
  throw listenError(address, { code: "EADDRINUSE" });
};

test("a port in use fails, unless another may be taken or the service itself is there", async () => {
  const port = { flag: "server_address", address: ":8080", replaceable: false, alone: false };
  const status = async (...given: Parameters<typeof judgePort>) => (await judgePort(...given)).status;
  expect(
    await status(
      port,
      async () => {},
      async () => false,
    ),
  ).toBe("ok");
  expect(await status(port, busy, async () => false)).toBe("fail");
  expect(await status({ ...port, replaceable: true }, busy, async () => false)).toBe("warn");
  expect(await status(port, busy, async () => true)).toBe("warn");
  expect(await status({ ...port, alone: true }, busy, async () => true)).toBe("ok");
});

test("an address on loopback fails where others come from beyond this machine", () => {
  const judged = (listen: string, advertise?: string) =>
    statuses(judgeAdvertised({ listen, advertise, beyond: true }));
  expect(judged(":8080")).toEqual(["ok"]);
  expect(judged("127.0.0.1:8080")).toEqual(["fail"]);
  expect(judged("unix:/tmp/x")).toEqual(["fail"]);
  expect(judged("127.0.0.1:8080", "10.0.0.7:80")).toEqual(["ok"]);
  expect(judged(":8080", "localhost:80")).toEqual(["fail"]);
  expect(judgeAdvertised({ listen: "127.0.0.1:8080", advertise: undefined, beyond: false })).toEqual([]);
});

test("names of a cluster that cannot be resolved fail, a search list without it is warned of", () => {
  const names = readNames(
    "# kubelet\nnameserver 10.96.0.10\nsearch shop.svc.cluster.local svc.cluster.local\noptions ndots:5\n",
  );
  expect(names).toEqual({
    servers: ["10.96.0.10"],
    search: ["shop.svc.cluster.local", "svc.cluster.local"],
    options: ["ndots:5"],
  });
  expect(statuses(judgeNames(names, { address: "10.96.0.1" }))).toEqual(["ok", "ok"]);
  expect(statuses(judgeNames(names, { address: undefined }))).toEqual(["ok", "fail"]);
  expect(statuses(judgeNames({ ...names, search: [] }, { address: "10.96.0.1" }))).toEqual([
    "ok",
    "ok",
    "warn",
  ]);
  expect(statuses(judgeNames(readNames(""), undefined))).toEqual(["warn"]);
});

test("limits are warned of where a service starves, and fail where it cannot start", () => {
  const enough = { files: 65_536, memoryBytes: 2 ** 28, cores: 1, processes: 1000 };
  const judged = (limit: object) => statuses(judgeLimits({ ...enough, ...limit }));
  expect(judged({})).toEqual(["ok", "ok", "ok", "ok"]);
  expect(judged({ files: 1024 })[0]).toBe("warn");
  expect(judged({ files: 256 })[0]).toBe("fail");
  expect(judged({ memoryBytes: 2 ** 25 })[1]).toBe("warn");
  expect(judged({ cores: 0.05 })[2]).toBe("warn");
  expect(judged({ processes: 20 })[3]).toBe("warn");
  expect(
    judged({ files: undefined, memoryBytes: undefined, cores: undefined, processes: undefined }),
  ).toEqual(judged({}));
  expect(openFiles("Max open files            1024                 1048576              files\n")).toBe(1024);
});

test("an old musl fails; root in a container, a shell as process 1, missing /proc and /tmp are warned of", () => {
  const well: Surroundings = {
    libc: { kind: "musl", version: "1.2.5" },
    authorities: "/etc/ssl/cert.pem",
    namedAuthorities: undefined,
    proc: true,
    tmp: { path: "/tmp", writable: true },
    uid: 65_532,
    inContainer: true,
    init: "microrun",
    isInit: true,
  };
  const wrong = (part: Partial<Surroundings>) =>
    judgeSurroundings({ ...well, ...part }).filter(({ status }) => status !== "ok");
  expect(wrong({})).toEqual([]);
  expect(wrong({ libc: { kind: "musl", version: "1.2.3" } })).toMatchObject([{ status: "fail" }]);
  expect(wrong({ libc: { kind: "glibc", version: "2.28" } })).toEqual([]);
  expect(statuses(wrong({ uid: 0, isInit: false, init: "/bin/sh", proc: false }))).toEqual([
    "warn",
    "warn",
    "warn",
  ]);
  expect(wrong({ tmp: { path: "/tmp", writable: false } })[0]?.yaml).toContain("emptyDir");
  expect(wrong({ uid: 0, inContainer: false })).toEqual([]);
  expect(wrong({ namedAuthorities: { variable: "SSL_CERT_FILE", path: "/x", there: false } })).toHaveLength(
    1,
  );
  expect(muslVersion("abc\x001.2.4\0rest")).toBe("1.2.4");
});

test("NATS is known by its first line, and told what it lacks", () => {
  const judged = (said: string, facts: object = {}, fault?: string) =>
    judgeNats("10.0.0.1:4222", fault, said, { servers: [], stream: undefined, login: false, ...facts });
  const info = (more: object) => `INFO ${JSON.stringify({ version: "2.12.1", ...more })}\r\n`;
  expect(judged(info({}))).toMatchObject({ status: "ok", what: expect.stringContaining("2.12.1") });
  expect(judged("", {}, "connection refused").status).toBe("fail");
  expect(judged("HTTP/1.1 400 Bad Request\r\n").status).toBe("fail");
  expect(judged(info({}), { stream: "SHOP" }).status).toBe("fail");
  expect(judged(info({ jetstream: true }), { stream: "SHOP" }).status).toBe("ok");
  expect(judged(info({ auth_required: true })).status).toBe("fail");
  expect(judged(info({ auth_required: true }), { login: true }).status).toBe("warn");
  expect(judged(info({ auth_required: true, tls_required: true }), { login: true }).status).toBe("ok");
});

test("a Service that is there tells why it does not answer", () => {
  const service = { metadata: { name: "user" }, spec: { ports: [{ port: 80 }] } };
  expect(judgeService(service, undefined, 8080)).toMatchObject({
    what: "Service user has no port 8080, only 80",
    todo: expect.stringContaining("STATIC_SELECTOR_PORT_NUMBER=80"),
  });
  const slices = (ready: boolean) => ({ items: [{ endpoints: [{ conditions: { ready } }] }] });
  expect(judgeService(service, slices(false), 80)?.what).toContain("no ready endpoint of 1");
  expect(judgeService(service, slices(true), 80)).toBeUndefined();
});

test("the names of called services are found in a module's text", () => {
  const text =
    'await client.call("user", "User.Get", {}); context.client.stream(\'chat\', "Chat.Talk"); call("x", 1); client.call(name, "A.B")';
  expect(calleesIn(text)).toEqual(["user", "chat"]);
});

test("methods without a handler are warned of", () => {
  const facts = {
    name: "greeter",
    methods: ["greeter.Greeter.Hello"],
    unanswered: [],
    protos: ["greeter.proto"],
  };
  expect(judgeModule(facts)).toEqual([{ status: "ok", what: "greeter loads: 1 method of greeter.proto" }]);
  expect(statuses(judgeModule({ ...facts, unanswered: ["greeter.Greeter.Bye"] }))).toEqual(["ok", "warn"]);
});

test("a registry of one machine is warned of in a cluster; multicast that does not work fails", () => {
  expect(judgeFolder("/run/x", false).status).toBe("ok");
  expect(judgeFolder("/run/x", true).status).toBe("warn");
  expect(judgeMulticast(undefined).status).toBe("ok");
  expect(judgeMulticast("ENODEV").status).toBe("fail");
});

test("a time zone that is none is warned of", async () => {
  const { signal } = new AbortController();
  expect(statuses(await versionsCheck("microrun", "Europe/Berlin").run(signal))).toEqual(["ok"]);
  expect(statuses(await versionsCheck("microrun", "Europe/Atlantis").run(signal))).toEqual(["ok", "warn"]);
});
