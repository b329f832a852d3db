/** The examples: each does what its README shows, and their manifests are what the API server takes. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import { parse, parseAllDocuments } from "yaml";
import { examples, needsOf, runExample } from "../scripts/examples.ts";
import { controlPlane } from "./control-plane.ts";
import { targets } from "./harness.ts";
import { peer } from "./peers.ts";

const folder = join(import.meta.dir, "../examples");
const grpcurl = await peer("grpcurl");
const programs: Record<string, string> = grpcurl === undefined ? {} : { grpcurl };
const has = (program: string): boolean => program in programs || Bun.which(program) !== null;

interface Manifest {
  readonly path: string;
  readonly text: string;
}

const manifests: readonly Manifest[] = [...new Glob("*/k8s/*.yaml").scanSync(folder)]
  .sort()
  .map((path) => ({ path, text: readFileSync(join(folder, path), "utf8") }));

const textOf = (path: string): string => readFileSync(join(folder, path), "utf8");

test("every example is here, with a README that shows how it is run", () => {
  const wanted = ["config", "greeter", "greeter-client", "job", "mixed", "pubsub", "shop", "web"];
  expect(examples).toEqual(wanted);
});

for (const name of examples) {
  const { leaveOut, missing } = await needsOf(name, has);
  describe.skipIf(missing.length > 0)(name, () => {
    // one after the other: they have the ports that the README shows
    test.each([...targets])(
      "does what its README shows, from $name",
      async ({ command }) => {
        await runExample(name, { command, programs, leaveOut });
      },
      400_000,
    );
  });
}

test("every image of a manifest is made in the example's README", () => {
  const missing = manifests.flatMap(({ path, text }) => {
    const readme = textOf(join(path, "../../README.md")).replaceAll(
      /^for srv in (.*?); (.*)$/gm,
      (_, all, rest) =>
        `${all}`
          .split(" ")
          .map((srv) => `${rest}`.replaceAll("$srv", srv))
          .join("\n"),
    );
    const images = [...text.matchAll(/image: (\S+)/g)].map(([, image = ""]) => image);
    return images.filter((image) => !readme.includes(`-t ${image} `)).map((image) => `${path}: ${image}`);
  });
  expect(missing).toEqual([]);
});

test("what several examples have in common is the same in each", () => {
  const texts = Map.groupBy(
    manifests.filter(
      ({ path }) => /\/(namespace|pod-rbac|configmap-rbac)\.yaml$/.test(path) && !path.startsWith("shop/"),
    ),
    ({ path }) => path.split("/").at(-1),
  );
  for (const [file, all] of texts) expect(new Set(all.map(({ text }) => text)).size, file).toBe(1);
  expect(texts.size).toBe(3);
});

test("the shop of one machine is configured as that of a cluster", () => {
  const { data } = parse(textOf("shop/k8s/admin-srv-configmap.yaml"));
  expect(data["config.yaml"]).toBe(textOf("shop/admin-srv.yaml"));
});

const plane = await controlPlane();

test.skipIf(!plane)(
  "the API server takes every manifest, without a field that it does not know",
  async () => {
    const own = manifests.map(({ text }) => text);
    const namespaces = own.filter((text) => text.includes("kind: Namespace"));
    for (const text of [...namespaces, ...own]) {
      const count = parseAllDocuments(text).length;
      const said = await plane!.kubectl(
        ["apply", "--server-side", "--force-conflicts", "--validate=strict", "-f", "-"],
        text,
      );
      expect(said.trim().split("\n"), text).toHaveLength(count);
      expect(said).not.toContain("Warning");
    }
  },
);
