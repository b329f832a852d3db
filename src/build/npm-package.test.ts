import { expect, test } from "bun:test";
import { npmRegistry, npmrcEntries, tarballUrl } from "./npm-package.ts";

test("an .npmrc is read with its variables", () => {
  const text = `; comment\nregistry = https://npm.example/\n//npm.example/:_authToken=\${TOKEN}\nquoted="a b"\n`;
  expect(npmrcEntries(text, { TOKEN: "t0" })).toEqual([
    ["registry", "https://npm.example/"],
    ["//npm.example/:_authToken", "t0"],
    ["quoted", "a b"],
  ]);
});

test("a variable names the registry", async () => {
  const env = { HOME: "/nonexistent", npm_config_registry: "http://127.0.0.1:4873/npm" };
  const registry = await npmRegistry(env, "@oven");
  expect(registry).toEqual({ url: "http://127.0.0.1:4873/npm/", token: undefined });
  expect(tarballUrl(registry, "@oven/bun-linux-x64", "1.4.4")).toBe(
    "http://127.0.0.1:4873/npm/@oven/bun-linux-x64/-/bun-linux-x64-1.4.4.tgz",
  );
  await expect(npmRegistry({ ...env, npm_config_registry: "npm.example" }, "@oven")).rejects.toMatchObject({
    message: "npm's registry npm.example: not a URL",
    hint: "correct it in npm_config_registry or .npmrc",
  });
});
