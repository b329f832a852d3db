import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { ReadModuleText } from "./dev.ts";
import { readProjectFolder } from "./project-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "microrun-project-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What the text says of itself. */
const readModule: ReadModuleText = (text) => {
  const name = /name=(\w+)/.exec(text)?.[1];
  return {
    ...(name === undefined ? {} : { name }),
    isServable: text !== "library",
    isFunction: text === "job",
  };
};

const files = {
  "user.ts": "",
  "renamed.ts": "name=shop",
  "shop.ts": "",
  "lib.ts": "library",
  "job.ts": "job",
  "user.test.ts": "",
  "user.types.ts": "",
  "vite.config.ts": "",
  "global.d.ts": "",
  "notes.md": "",
  ".hidden.ts": "",
  "mail/main.ts": "",
  "mail/other.ts": "",
  "cart/cart.ts": "",
  "cart/main.ts": "",
  "pay/service.ts": "name=payments",
  "node_modules/node_modules.ts": "",
  "test/main.ts": "",
  "empty/readme.ts": "",
};
for (const [file, text] of Object.entries(files)) {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

test("modules are taken from the folder, and one from each folder in it", async () => {
  const { services, skipped, sources } = await readProjectFolder(folder, readModule);
  expect(services.map(({ name, module }) => [name, module])).toEqual([
    ["cart", "./cart/cart.ts"],
    ["mail", "./mail/main.ts"],
    ["payments", "./pay/service.ts"],
    ["shop", "./renamed.ts"],
    ["user", "./user.ts"],
  ]);
  expect(skipped).toEqual([
    { file: "./job.ts", why: "a job, which runs at each start; name it in microrun.yaml" },
    { file: "./lib.ts", why: "nothing to serve is exported" },
    { file: "./shop.ts", why: "./renamed.ts is called shop, too" },
  ]);
  expect(sources).toEqual(["", "cart", "empty", "mail", "pay"].map((name) => join(folder, name)));
});

test("a module is told its name only where its file does not say it", async () => {
  const { services } = await readProjectFolder(folder, readModule);
  const told = services.filter(({ serverName }) => serverName !== undefined);
  expect(told.map(({ serverName }) => serverName)).toEqual(["mail"]);
});

test("one that was taken stays while it is being written", async () => {
  const { services } = await readProjectFolder(folder, readModule, new Set(["lib.ts"]));
  expect(services.map(({ name }) => name)).toContain("lib");
});

test("a folder that is not there is told", async () => {
  await expect(readProjectFolder(join(folder, "none"), readModule)).rejects.toMatchObject({
    code: "invalid_argument",
  });
});
