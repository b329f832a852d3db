import { describe, expect, test } from "bun:test";
import type { ConfigData, ConfigSource } from "../../config/config.ts";
import { envSource } from "../../config/env.ts";
import { memorySource } from "../../config/memory.ts";
import { openConfig } from "../../config/store.ts";
import { silentLog } from "../../log.ts";
import { readArgv } from "../argv.ts";
import { choicesOf, type FlagTable, flagsOf } from "../flags/flags.ts";
import { runGroups } from "../flags/run-flags.ts";
import { readFlags } from "../flags/values.ts";
import { ownKeys } from "./configured.ts";
import { settling } from "./settings.ts";

async function settings(
  data: ConfigData | ConfigSource[],
  argv: string[] = [],
  env: Record<string, string> = {},
) {
  const sources = Array.isArray(data) ? data : [memorySource("memory:", data as ConfigData)];
  await using store = await openConfig(sources as ConfigSource[], { log: silentLog });
  const { words, ...line } = readArgv(["./x.ts", ...argv]);
  return settling(words[0]!, { ...line, env })(store.own);
}

/** Of the admin service in the fork of Kratos. */
const admin = {
  server: {
    http: {
      addr: "0.0.0.0:8080",
      timeout: "1s",
      headers: ["Content-Type", "Authorization"],
      methods: ["GET", "POST", "OPTIONS"],
      origins: ["*"],
    },
    grpc: { addr: "0.0.0.0:9090", timeout: "2s" },
  },
  client: { grpc: { timeout: "3s" } },
  registry: { type: "k8s" },
  log: { level: "warn" },
};

describe("configuration", () => {
  test("gives ports apart, times, pages, registry and log level, as its config.yaml says them", async () => {
    const { grpcAddress, httpAddress, server, mesh, live, fixed } = await settings(admin);
    expect([grpcAddress, httpAddress, server.address]).toEqual(["0.0.0.0:9090", "0.0.0.0:8080", undefined]);
    expect([mesh.registry, mesh.selector]).toEqual(["kubernetes", "p2c"]);
    expect(live).toEqual({
      logLevel: "warn",
      grpcTimeoutMs: 2000,
      httpTimeoutMs: 1000,
      clientTimeoutMs: 3000,
      cors: {
        origins: ["*"],
        methods: ["GET", "POST", "OPTIONS"],
        headers: ["Content-Type", "Authorization"],
      },
    });
    expect(fixed).toEqual({
      "server.grpc.addr": "0.0.0.0:9090",
      "server.http.addr": "0.0.0.0:8080",
      "registry.type": "kubernetes",
    });
  });

  test.each([
    [{ grpc: { addr: ":9090" } }, ":9090"],
    [{ http: { addr: ":8000" } }, ":8000"],
    [{ grpc: { addr: "0.0.0.0:9090" }, http: { addr: ":9090" } }, "0.0.0.0:9090"],
  ])("with one address, %j, is all served there", async (server, address) => {
    const settled = await settings({ server } as ConfigData);
    expect(settled.server.address).toBe(address);
    expect([settled.grpcAddress, settled.httpAddress]).toEqual([undefined, undefined]);
  });

  test("gives way to flags, and to variables, faulty or not", async () => {
    const wrong = { server: { grpc: { addr: "9090", timeout: "soon" } }, log: { level: "loud" } };
    const settled = await settings(wrong, ["--server_address=:1", "--grpc_timeout=5s"], {
      MICRO_LOG_LEVEL: "error",
    });
    expect([settled.server.address, settled.live.grpcTimeoutMs, settled.live.logLevel]).toEqual([
      ":1",
      5000,
      "error",
    ]);
    expect(settled.grpcAddress).toBeUndefined();
    expect(settled.fixed).toEqual({});
  });

  test("with ports apart lets a flag move one of them", async () => {
    const settled = await settings(admin as ConfigData, ["--grpc_address=:1"]);
    expect([settled.grpcAddress, settled.httpAddress]).toEqual([":1", "0.0.0.0:8080"]);
  });

  test("is refused with every key that is wrong, none of them told when it is secret", async () => {
    const data = {
      server: { grpc: { addr: "9090", timeout: 5 }, http: { origins: ["shop.example"] } },
      registry: { type: { name: "k8s" } },
      client: { grpc: { timeout: "geheim" } },
    };
    const secret: ConfigSource = { ...memorySource("secret:x", { client: data.client }), secret: true };
    const { client: _, ...open } = data;
    const error = await settings([memorySource("memory:", open as ConfigData), secret]).catch(
      (error) => error,
    );
    expect(error.code).toBe("failed_precondition");
    expect(error.message.split("; ")).toEqual([
      "config registry.type: neither a text nor a list of texts (look at memory:)",
      'config server.grpc.addr: address "9090": the host and a colon are missing (write :9090)',
      "config server.grpc.timeout: 5: not a duration (write it as 5s, 100ms or 1m30s)",
      "config server.http.origins: shop.example: not an origin (write it as https://shop.example, or * for any)",
      "config client.grpc.timeout: not what it has to be (write it as 5s, 100ms or 1m30s)",
    ]);
  });

  test("of one wrong key is refused with a hint", async () => {
    const error = await settings({ registry: { type: "consul" } }).catch((error) => error);
    expect(error.message).toBe("config registry.type: consul: not known");
    expect(error.hint).toBe("use one of memory, local, mdns, kubernetes");
  });

  test("of the whole environment decides no setting, of a part of it does", async () => {
    const names = { LOG_LEVEL: "loud", SERVER_GRPC_TIMEOUT: "1s", APP_LOG_LEVEL: "warn" };
    const whole = await settings([envSource(names)]);
    expect([whole.live.logLevel, whole.live.grpcTimeoutMs]).toEqual(["info", 0]);
    const part = await settings([envSource(names, { prefix: "APP", strip: true })]);
    expect(part.live.logLevel).toBe("warn");
  });

  test("of the whole environment covers none of a file's settings", async () => {
    const file = memorySource("file:", { log: { level: "warn" }, server: { grpc: { timeout: "1s" } } });
    const { live } = await settings([file, envSource({ LOG_LEVEL: "loud", SERVER: "tcp://10.0.0.1" })]);
    expect([live.logLevel, live.grpcTimeoutMs]).toEqual(["warn", 1000]);
  });

  test("with a value where keys are looked for is a note without the value, unless flags say all of these", async () => {
    const data = { log: "geheim", server: { grpc: 5, http: { timeout: "1s" } }, client: null, registry: [] };
    expect((await settings(data)).notes).toEqual([
      "config server.grpc in memory: is a value: a setting would be server.grpc.addr",
      "config log in memory: is a value: a setting would be log.level",
    ]);
    const said = await settings({ log: "debug" }, ["--log_level=warn"]);
    expect([said.live.logLevel, said.notes]).toEqual(["warn", []]);
  });

  test("that is empty at a key says nothing there", async () => {
    const { live } = await settings({ log: { level: "" }, server: { grpc: { timeout: null } } });
    expect([live.logLevel, live.grpcTimeoutMs]).toEqual(["info", 0]);
  });
});

test("every key of the table stands for a flag that takes texts", () => {
  const table = flagsOf(runGroups);
  for (const { key, flag, names = {} } of ownKeys) {
    expect(Object.keys(table), key).toContain(flag);
    for (const name of Object.values(names)) expect(choicesOf(table[flag]!), key).toContain(name);
    const one: FlagTable = { [flag]: table[flag]! };
    const said = { source: `config ${key}`, label: "", text: table[flag]!.example };
    expect(readFlags(one, new Map(), {}, new Map([[flag, said]]))[flag], key).not.toEqual(
      readFlags(one, new Map(), {})[flag],
    );
  }
});
