import { afterAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type SbomOptions, sbom } from "./sbom.ts";

const folder = await mkdtemp(join(tmpdir(), "microrun-sbom-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function packageAt(path: string, manifest: object): Promise<string> {
  const at = join(folder, "node_modules", path);
  await mkdir(at, { recursive: true });
  await writeFile(join(at, "package.json"), JSON.stringify(manifest));
  return join(at, "lib/main.js");
}

async function read(options: Partial<SbomOptions>) {
  const bytes = await sbom({
    name: "greeter",
    inputs: [],
    runtime: { version: "0.1.0", bun: "1.4.4" },
    bases: [],
    subject: "sha256:00",
    ...options,
  });
  return JSON.parse(new TextDecoder().decode(bytes));
}

test("an SBOM names each package that went in once, with its licence", async () => {
  const inputs = [
    join(folder, "greeter.ts"),
    await packageAt("hono", { name: "hono", version: "4.13.19", license: "MIT" }),
    await packageAt("hono", { name: "hono", version: "4.13.19", license: "MIT" }).then((path) => `${path}x`),
    await packageAt("@a/b", { name: "@a/b", version: "1.0.0", license: "(MIT OR Apache-2.0)" }),
    await packageAt("hono/node_modules/c", { name: "c", version: "2.0.0", license: "SEE LICENSE IN x" }),
    await packageAt("nameless", { private: true }),
  ];
  const { components, bomFormat, specVersion } = await read({ inputs });
  expect([bomFormat, specVersion]).toEqual(["CycloneDX", "1.6"]);
  const said = components.map(({ purl, licenses }: { purl: string; licenses?: unknown }) => [purl, licenses]);
  expect(said).toEqual([
    ["pkg:npm/%40a/b@1.0.0", [{ expression: "(MIT OR Apache-2.0)" }]],
    ["pkg:npm/c@2.0.0", [{ license: { name: "SEE LICENSE IN x" } }]],
    ["pkg:npm/hono@4.13.19", [{ license: { id: "MIT" } }]],
    ["pkg:npm/microrun@0.1.0", [{ license: { id: "MIT" } }]],
    ["pkg:npm/bun@1.4.4", [{ license: { id: "MIT" } }]],
  ]);
});

test("an SBOM names the base, and has a number that follows from what it is about", async () => {
  const bases = [{ name: "docker.io/library/alpine:3.22", digest: "sha256:11" }];
  const { components, serialNumber } = await read({ bases });
  expect(components.at(-1)).toMatchObject({ type: "container", version: "sha256:11" });
  expect(serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect((await read({ subject: "sha256:01" })).serialNumber).not.toBe(serialNumber);
});
