import { expect, test } from "bun:test";
import { isSecret } from "./secrets.ts";

test("names of secrets are known", () => {
  for (const path of [
    "/app/.env",
    ".env.local",
    "tls/server.key",
    "ca.pem",
    "id_ed25519",
    ".npmrc",
    "kubeconfig",
    "deploy.kubeconfig",
    "home/.ssh/config",
    ".git/config",
    "secrets.yaml",
  ])
    expect(isSecret(path), path).toBe(true);
});

test("names of other files are none", () => {
  for (const path of [
    ".env.example",
    "keys.ts",
    "monkey",
    "environment.json",
    "public/key.svg",
    "secretary.md",
  ])
    expect(isSecret(path), path).toBe(false);
});
