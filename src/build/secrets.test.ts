import { expect, test } from "bun:test";
import { isSecret } from "./secrets.ts";

test("names of secrets are known", () => {
  for (const path of [
    "/app/.env",
    ".env.local",
    ".envrc",
    "prod.env",
    "tls/server.key",
    "ca.pem",
    "my.pem.bak",
    ".env~",
    "client.ppk",
    "id_ed25519",
    ".npmrc",
    ".vault-token",
    "kubeconfig",
    "deploy.kubeconfig",
    "home/.ssh/config",
    ".git/config",
    "secrets.yaml",
    "secrets.enc.yaml",
    "application-secrets.yaml",
    "credentials",
    "client_secret_1.json",
    "service-account.json",
    "serviceAccountKey.json",
    "gcp-key.json",
  ])
    expect(isSecret(path), path).toBe(true);
});

test("names of other files are none", () => {
  for (const path of [
    ".env.example",
    "secrets.example.yaml",
    "credentials.schema.json",
    "keys.ts",
    "secrets.ts",
    "kubeconfig.js",
    "monkey",
    "environment.json",
    "public/key.svg",
    "secretary.md",
    "secret-santa.json",
    "mail/forgot-password.txt",
    "service-account.yaml",
    "design-tokens.json",
    "greeter.proto",
  ])
    expect(isSecret(path), path).toBe(false);
});
