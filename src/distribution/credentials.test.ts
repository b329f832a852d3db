import { afterAll, expect, test } from "bun:test";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseReference } from "../image-reference.ts";
import { silentLog } from "../log.ts";
import { findCredentials } from "./credentials.ts";

const folder = await mkdtemp(join(tmpdir(), "microrun-credentials-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

const keep = async (path: string, logins: Record<string, string>): Promise<string> => {
  const auths = Object.fromEntries(
    Object.entries(logins).map(([host, user]) => [host, { auth: btoa(`${user}:x`) }]),
  );
  await mkdir(join(folder, path, ".."), { recursive: true });
  await writeFile(join(folder, path), JSON.stringify({ auths }));
  return join(folder, path);
};
const options = { signal: AbortSignal.timeout(10_000), log: silentLog };
const user = async (image: string, env: Record<string, string>) =>
  (await findCredentials(parseReference(image), { ...options, env }))?.username;

test("the first file that knows the registry decides: REGISTRY_AUTH_FILE, docker's, podman's", async () => {
  const own = await keep("own.json", { "a.example": "own" });
  await keep("home/.docker/config.json", { "a.example": "docker", "b.example": "docker" });
  await keep("run/containers/auth.json", { "b.example": "podman", "c.example": "podman" });
  const env = { REGISTRY_AUTH_FILE: own, HOME: join(folder, "home"), XDG_RUNTIME_DIR: join(folder, "run") };
  expect(await user("a.example/x", env)).toBe("own");
  expect(await user("b.example/x", env)).toBe("docker");
  expect(await user("c.example/x", env)).toBe("podman");
  expect(await user("d.example/x", env)).toBeUndefined();
  await keep("other/config.json", { "b.example": "other" });
  expect(await user("b.example/x", { ...env, DOCKER_CONFIG: join(folder, "other") })).toBe("other");
});

test("the login of the longest part of the name is taken", async () => {
  const own = await keep("parts.json", {
    "a.example": "all",
    "a.example/team": "team",
    "a.example/team/app": "app",
  });
  const env = { REGISTRY_AUTH_FILE: own };
  expect(await user("a.example/team/app", env)).toBe("app");
  expect(await user("a.example/team/app2", env)).toBe("team");
  expect(await user("a.example/teams", env)).toBe("all");
});

test("Docker's own registry goes by the name that docker has for it", async () => {
  const own = await keep("hub.json", { "https://index.docker.io/v1/": "hub" });
  expect(await user("alpine", { REGISTRY_AUTH_FILE: own })).toBe("hub");
});
