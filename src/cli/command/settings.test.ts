import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultServerLimits } from "../../transport/transport.ts";
import { readArgv } from "../argv.ts";
import { commands } from "../commands.ts";
import { choicesOf, flagsOf } from "../flags/flags.ts";
import { readFlags } from "../flags/values.ts";
import { nearVariables } from "../flags/variables.ts";
import { readSettings } from "./settings.ts";

const settings = (argv: readonly string[], env: Record<string, string> = {}) => {
  const { words, ...line } = readArgv(argv);
  return readSettings(words[0]!, { ...line, env });
};

describe("readSettings", () => {
  test("nothing said gives the defaults", () => {
    const { log, ...rest } = settings(["./x.ts"]);
    expect(log.color).toBeBoolean();
    expect(rest).toEqual({
      module: "./x.ts",
      args: [],
      workers: 1,
      server: { metadata: {} },
      maxMessageBytes: 4_194_304,
      docs: true,
      limits: defaultServerLimits,
      client: {
        ...{ retries: 1, poolSize: 100, poolTtlMs: 60_000 },
        ...{ keepaliveMs: 300_000, keepaliveTimeoutMs: 20_000, gzip: false },
      },
      mesh: {
        registry: "local",
        registryAddress: [],
        registryFormat: "micro",
        register: true,
        registerTtlMs: 60_000,
        registerIntervalMs: 30_000,
        selector: "p2c",
        selectorKey: "",
        kubernetes: { needs: { register: false, discover: false, sources: [] } },
        broker: "http",
        brokerAddress: [],
      },
      transport: "grpc",
      startTimeoutMs: 30_000,
      drainDelayMs: 0,
      drainTimeoutMs: 10_000,
      healthTimeoutMs: 1000,
      config: { sources: ["env:"], set: {}, waitMs: 1000 },
      live: {
        logLevel: "info",
        grpcTimeoutMs: 0,
        httpTimeoutMs: 0,
        clientTimeoutMs: 5000,
        cors: { origins: [], methods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], headers: [] },
      },
      fixed: {},
    });
  });

  test("flags and variables are both heard, flags first", () => {
    const { server, args, proto, mesh } = settings(
      [
        "./x.ts",
        "--server_name=flag",
        "--server-metadata=a=1",
        "--proto=a.proto",
        "--proto=b.proto",
        "--",
        "-x",
      ],
      { MICRO_SERVER_NAME: "variable", MICRO_SERVER_VERSION: "1.2.3", MICRO_REGISTER_TTL: "90" },
    );
    expect(server).toEqual({ name: "flag", version: "1.2.3", metadata: { a: "1" } });
    expect([args, proto, mesh.registerTtlMs]).toEqual([["-x"], ["a.proto", "b.proto"], 90_000]);
  });

  test("NO_COLOR beats FORCE_COLOR, that beats what stderr is", () => {
    expect(settings(["./x.ts"], { FORCE_COLOR: "1" }).log.color).toBe(true);
    expect(settings(["./x.ts"], { FORCE_COLOR: "1", NO_COLOR: "1" }).log.color).toBe(false);
  });

  test("certificates that cannot be are told by flag and file", () => {
    const tls = (...flags: string[]) => settings(["./x.ts", ...flags]);
    expect(() => tls("--tls_cert=a.crt")).toThrow("--tls_cert: useless without --tls_key");
    expect(() => tls("--tls_key=a.key")).toThrow("--tls_key: useless without --tls_cert");
    expect(() => tls("--tls_ca=/nowhere/ca.crt")).toThrow("--tls_ca=/nowhere/ca.crt: no such file");
    expect(() => tls("--tls_cert=/", "--tls_key=/")).toThrow("--tls_cert=/: a folder");
    expect(() => tls(`--tls_cert=${import.meta.path}`, "--tls_key=/")).toThrow("holds no certificate");
  });
});

test.skipIf(!Bun.which("openssl"))("a certificate is taken with its own key alone", () => {
  using dir = temporaryFolder();
  const make = (name: string) =>
    Bun.spawnSync(
      ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"].concat([
        "-subj",
        "/CN=localhost",
        "-days",
        "1",
        "-keyout",
        `${name}.key`,
        "-out",
        `${name}.crt`,
      ]),
      { cwd: dir.path },
    );
  make("a");
  make("b");
  const file = (name: string) => join(dir.path, name);
  const { tls } = settings(["./x.ts", `--tls_cert=${file("a.crt")}`, `--tls_key=${file("a.key")}`]);
  expect(tls?.cert).toStartWith("-----BEGIN CERTIFICATE-----");
  const mixed = ["./x.ts", `--tls_cert=${file("a.crt")}`, `--tls_key=${file("b.key")}`];
  expect(() => settings(mixed)).toThrow(`--tls_key=${file("b.key")}: not the key of ${file("a.crt")}`);
  expect(() => settings(["./x.ts", `--tls_ca=${file("a.crt")}`])).toThrow("useless without a certificate");
});

function temporaryFolder(): Disposable & { path: string } {
  const path = mkdtempSync(join(tmpdir(), "microrun-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

describe("the tables of flags", () => {
  const all = commands.flatMap(({ name, groups }) =>
    Object.entries(flagsOf(groups)).map(([flag, entry]) => [`${name} --${flag}`, flag, entry] as const),
  );

  test.each(all)("%s has an example and a default that it takes itself", (_, name, flag) => {
    const said = new Map([[name, [flag.example]]]);
    expect(() => readFlags({ [name]: flag }, said, {})).not.toThrow();
    expect(() => readFlags({ [name]: flag }, new Map(), {})).not.toThrow();
    expect(flag.type === "choice").toBe(choicesOf(flag).length > 0);
  });

  test("a sentence each, that ends", () => {
    for (const [what, , flag] of all) expect(flag.about, what).toMatch(/^[A-Z].*\.$/);
  });
});

test("variables that look like ours are told with the one meant", () => {
  const table = flagsOf(commands[0]!.groups);
  const env = { MICRO_SERVER_NMAE: "x", MICRO_SERVER_NAME: "y", MICRO_AUTH_TOKEN: "z", PATH: "/bin" };
  expect(nearVariables(env, table)).toEqual([
    "unknown variable MICRO_SERVER_NMAE: did you mean MICRO_SERVER_NAME?",
  ]);
});
