import { afterAll, expect, test } from "bun:test";
import { link, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { outputFile } from "./output-file.ts";

const folder = await realpath(await mkdtemp(join(tmpdir(), "microrun-output-file-")));
afterAll(() => rm(folder, { recursive: true, force: true }));

const at = (name: string) => join(folder, name);
const source = at("greeter.ts");
await writeFile(source, "export default {}");
const asked = (path: string) => outputFile(path, { example: "-o greeter", sources: [source] });

test("a path that is free, and a file that is none of the sources, may be written", async () => {
  await writeFile(at("old"), "old");
  expect(await asked(at("new/file"))).toBe(at("new/file"));
  expect(await asked(at("old"))).toBe(at("old"));
});

test("a symbolic link is followed, unless it leads nowhere", async () => {
  await symlink(at("old"), at("link"));
  await symlink(at("none"), at("broken"));
  expect(await asked(at("link"))).toBe(at("old"));
  await expect(asked(at("broken"))).rejects.toThrow("leads nowhere");
});

test("a source is not overwritten, by none of its names", async () => {
  await symlink(source, at("source-link"));
  await link(source, at("source-name"));
  for (const path of [source, at("source-link"), at("source-name")])
    await expect(asked(path)).rejects.toThrow("it is one of the files that it is made of");
});

test("a folder, a pipe and stdout are refused, with an order", async () => {
  await mkdir(at("folder"));
  expect(Bun.spawnSync(["mkfifo", at("pipe")]).exitCode).toBe(0);
  await expect(asked(at("folder"))).rejects.toThrow(`cannot write ${at("folder")}: it is a folder`);
  await expect(asked(at("pipe"))).rejects.toThrow("it is a device, a pipe or a socket");
  await expect(asked("-")).rejects.toMatchObject({
    code: "invalid_argument",
    message: "cannot write -: it is written to a file, not to stdout",
    hint: "name another file: -o greeter",
  });
});
