/** Builds etcd, kube-apiserver and kubectl from Go modules, once per version of test/tools/kubernetes. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { goBuild, goCache } from "./go-build.ts";

const packages = {
  etcd: "go.etcd.io/etcd/server/v3",
  "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
  kubectl: "k8s.io/kubernetes/cmd/kubectl",
} as const;
export type Binary = keyof typeof packages;
export type Binaries = Readonly<Record<Binary, string>>;

const module = join(import.meta.dir, "tools/kubernetes");
let asked: Promise<Binaries | undefined> | undefined;

/**
 * Their paths: those of KUBEBUILDER_ASSETS (envtest's folder) where it is set, else those of the cache, built now if need be.
 * `undefined` where they cannot be had, for the test to skip; then it throws when CI=true. A build that fails throws always.
 */
export function kubernetesBinaries(): Promise<Binaries | undefined> {
  asked ??= find();
  return asked;
}

async function find(): Promise<Binaries | undefined> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  const folder = assets || (await goCache("kubernetes", module));
  const found = Object.fromEntries(
    Object.keys(packages).map((name) => [name, join(folder, name)]),
  ) as unknown as Binaries;
  const missing: Binary[] = [];
  for (const name of Object.keys(packages) as Binary[]) {
    if (!(await Bun.file(found[name]).exists())) missing.push(name);
  }
  if (missing.length > 0 && assets)
    throw new Error(`KUBEBUILDER_ASSETS=${assets} has no ${missing.join(", ")}`);
  const obstacle =
    process.platform !== "linux"
      ? "it runs on Linux only" // setpriv, mount namespaces
      : missing.length > 0 && !Bun.which("go")
        ? "there is no go in PATH to build it, and KUBEBUILDER_ASSETS is not set"
        : undefined;
  if (obstacle) {
    if (process.env.CI === "true") throw new Error(`cannot test against Kubernetes: ${obstacle}`);
    console.error(`skipped: tests against a Kubernetes API server, as ${obstacle}`);
    return undefined;
  }
  for (const name of missing)
    await goBuild({ module, package: packages[name], path: found[name], ldflags: await versionFlags() });
  return found;
}

/** Without these the API server says that it is v0.0.0, and refuses its own feature gates. */
async function versionFlags(): Promise<string> {
  const text = await readFile(join(module, "go.mod"), "utf8");
  const version = /^\s*k8s\.io\/kubernetes (v\d+\.(\d+)\.\d+)/m.exec(text);
  if (!version) throw new Error("test/tools/kubernetes/go.mod does not require k8s.io/kubernetes");
  const [, whole, minor] = version;
  const values = { gitVersion: whole, gitMajor: "1", gitMinor: minor, gitTreeState: "clean" };
  return Object.entries(values)
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(" ");
}

if (import.meta.main) {
  const start = performance.now();
  const found = await kubernetesBinaries();
  if (found) {
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    for (const path of Object.values(found)) console.log(path);
    console.log(`control plane: there after ${seconds} s`);
  }
}
