/** The interop client of grpc-go against a service, on each transport, over cleartext and TLS, from source and compiled. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificates } from "./certificate.ts";
import { interopProgram } from "./go-interop.ts";
import { type Running, serve, targets } from "./harness.ts";

const client = await interopProgram("client");
const service = join(import.meta.dir, "fixtures/interop/interop.ts");

/** All that it has, but for credentials of Google's cloud and ORCA load reports. */
const cases = [
  ...["empty_unary", "large_unary", "client_streaming", "server_streaming", "ping_pong", "empty_stream"],
  ...["timeout_on_sleeping_server", "cancel_after_begin", "cancel_after_first_response"],
  ...["status_code_and_message", "special_status_message", "custom_metadata", "unimplemented_method"],
  ...["unimplemented_service", "pick_first_unary", "rpc_soak", "channel_soak"],
];

/** Longest time that a case may take: a call that hangs is one that failed. */
const maxCaseMs = 10_000;

const folder = mkdtempSync(join(tmpdir(), "microrun-interop-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [ca, cert, key] = ["ca.crt", "tls.crt", "tls.key"].map((name) => join(folder, name)) as [
  string,
  string,
  string,
];
beforeAll(() => {
  const made = makeCertificates();
  writeFileSync(ca, made.ca);
  writeFileSync(cert, made.server.cert);
  writeFileSync(key, made.server.key);
});

const security = {
  cleartext: { server: [], client: [] },
  TLS: {
    server: [`--tls_cert=${cert}`, `--tls_key=${key}`],
    client: ["--use_tls", "--use_test_ca", `--ca_file=${ca}`, "--server_host_override=localhost"],
  },
} as const;

/** What the client says when something is wrong. */
async function failureOf(name: string, { address }: Running, options: readonly string[]): Promise<string> {
  const [host, port] = address().split(":");
  const to = [`--server_host=${host}`, `--server_port=${port}`];
  const child = Bun.spawn([client!, `--test_case=${name}`, ...to, ...options], {
    env: { ...process.env, GRPC_GO_LOG_SEVERITY_LEVEL: "error" },
    stdout: "ignore",
    stderr: "pipe",
    timeout: maxCaseMs,
  });
  const said = await new Response(child.stderr).text();
  return (await child.exited) === 0 ? "" : said || "it took too long";
}

describe.each(targets)("$name", (target) => {
  for (const transport of ["grpc", "grpc-js"]) {
    for (const [name, flags] of Object.entries(security)) {
      test.skipIf(client === undefined)(
        `a service over ${name} on --transport=${transport} passes all cases of grpc-go`,
        async () => {
          const args = [service, "--selector=static", `--transport=${transport}`, ...flags.server];
          await using running = await serve(target, args);
          const failures: Record<string, string> = {};
          for (const one of cases) {
            const failure = await failureOf(one, running, flags.client);
            if (failure !== "") failures[one] = failure;
          }
          expect(failures).toEqual({});
          running.signal("SIGTERM");
          expect(await running.exited).toBe(0);
        },
      );
    }
  }
});
