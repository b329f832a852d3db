import { expect, test } from "bun:test";
import { checkFiles, readMounts } from "./workload-mounts.ts";

test("a mount is a path and what is there", () => {
  expect(readMounts(["/etc/tls=secret/tls", "/tmp=EmptyDir", "/app/config=configmap/a.b"])).toEqual([
    { path: "/etc/tls", from: { kind: "secret", name: "tls" } },
    { path: "/tmp" },
    { path: "/app/config", from: { kind: "configmap", name: "a.b" } },
  ]);
});

test.each([
  [["/x"], "--mount=/x: what is there is not said"],
  [["/../x=emptydir"], "--mount=/../x: not a path"],
  [["/x/.=emptydir"], "--mount=/x/.: not a path"],
  [["//x=emptydir"], "--mount=//x: not a path"],
  [["/x/=emptydir"], "--mount=/x/: not a path"],
  [["x=emptydir"], "--mount=x: not a path"],
  [["/a:b=emptydir"], "--mount=/a:b: not a path"],
  [["/=emptydir"], "--mount=/: not a path"],
  [["/x=emptydir", "/x=secret/a"], "--mount=/x: said twice"],
  [["/app=emptydir"], "--mount=/app: hides the module"],
  [["/usr/local=emptydir"], "--mount=/usr/local: hides the runtime"],
])("%j is refused", (texts, why) => {
  expect(() => readMounts(texts)).toThrow(why);
});

test("what may be mounted is told with the refusal", () => {
  const hint = (text: string) => {
    try {
      readMounts([text]);
    } catch (error) {
      return (error as { hint?: string }).hint;
    }
  };
  expect(hint("/x")).toBe("write it as /etc/tls=secret/NAME, configmap/NAME or emptydir");
  expect(readMounts(["/apple=emptydir", "/usr/local/share=emptydir", "/..x=emptydir"])).toHaveLength(3);
});

const check = (flags: Readonly<Record<string, string>>, mounts: readonly string[] = []) =>
  checkFiles(new Map(Object.entries(flags).map(([name, text]) => [name, [text]])), {}, readMounts(mounts));

test("certificates and keys come together, by paths of the container", () => {
  expect(() => check({ tls_cert: "/tls/a.crt" })).toThrow("--tls_cert: useless without --tls_key");
  expect(() => check({ client_tls_key: "/a.key" })).toThrow(
    "--client_tls_key: useless without --client_tls_cert",
  );
  expect(() => check({ tls_ca: "/ca.crt" })).toThrow("--tls_ca: useless without a certificate");
  const local = { tls_cert: "./a.crt", tls_key: "./a.key" };
  expect(() => check(local)).toThrow("--tls_cert=./a.crt: not a path of the container");
});

test("a file that no mount can bring is told, one that a mount may bring is not", () => {
  const tls = { tls_cert: "/tls/a.crt", tls_key: "/tls/a.key" };
  expect(check(tls, ["/tls=secret/a"])).toEqual([]);
  expect(check({ ...tls, client_tls_ca: "/tlsx/ca.crt" }, ["/tls=secret/a"])).toEqual([
    "--client_tls_ca=/tlsx/ca.crt: no --mount is above it, so the image has to have it",
  ]);
});
