/** The house rules, held: layers, contracts, doors, circles, file size, first sentences, names. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { basename, dirname, join, normalize, relative } from "node:path";
import { Glob } from "bun";
import ts from "typescript";

const src = join(import.meta.dir, "../src");
const maxLines = 300;

interface Source {
  /** Relative to src/, `grpc/server.ts`. */
  readonly path: string;
  readonly text: string;
  /** Relative to src/ */
  readonly inside: readonly string[];
  /** Package names. */
  readonly packages: readonly string[];
}

const sources: Source[] = [...new Glob("**/*.ts").scanSync(src)]
  .filter((path) => !/\.(test|contract)\.ts$|\.d\.ts$/.test(path))
  .map((path) => {
    const text = readFileSync(join(src, path), "utf8");
    const imports = ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
    const inside = imports
      .filter((name) => name.startsWith("."))
      .map((name) => normalize(join(dirname(path), name)))
      .filter((name) => name.endsWith(".ts"));
    return { path, text, inside, packages: imports.filter((name) => !name.startsWith(".")) };
  });

const contracts = new Set(
  [
    "service",
    "registry",
    "rest",
    "selector",
    "config",
    "broker",
    "transport",
    "client",
    "health",
    "runtime",
    "distribution",
    "doctor",
    "gateway",
    "h1",
    "h2",
    "workers",
    "certificates",
    "dev",
    "inspect",
    "operator",
    "middleware",
  ].map((name) => `${name}/${name}.ts`),
);
const adapters = new Set([
  "gateway",
  "grpc",
  "h1",
  "h2",
  "http",
  "kubernetes",
  "build",
  "dashboard",
  "image",
  "distribution",
  "manifest",
  "openapi",
]);
const ground = new Set([
  "call.ts",
  "feed.ts",
  "histogram.ts",
  "lazy-headers.ts",
  "lazy-request.ts",
  "lazy-response.ts",
  "untyped-body.ts",
  "web-socket.ts",
  "errors.ts",
  "error-details.ts",
  "grpc-fields.ts",
  "log.ts",
  "log-line.ts",
  "micro-error.ts",
  "wait.ts",
  "address.ts",
  "iteration.ts",
  "progress.ts",
  "service-name.ts",
  "yaml.ts",
  "oci.ts",
  "image-reference.ts",
  "cache-folder.ts",
  "whole-file.ts",
  "output-file.ts",
  "deadlines.ts",
]);
const layers = [
  "ground",
  "contract",
  "mechanism",
  "adapter",
  "settings",
  "plugins",
  "outbound",
  "run",
  "cli",
  "main",
] as const;
type Layer = (typeof layers)[number];

function layerOf(path: string): Layer {
  const folder = folderOf(path);
  if (ground.has(path)) return "ground";
  if (contracts.has(path)) return "contract";
  if (adapters.has(folder)) return "adapter";
  if (folder === "cli") return "cli";
  if (folder !== ".") return "mechanism";
  const named: Record<string, Layer> = {
    "main.ts": "main",
    "begin.ts": "main",
    "api.ts": "run",
    "edge.ts": "run",
    "gateway.ts": "run",
    "operator.ts": "run",
    "doctor.ts": "run",
    "doctor-cluster.ts": "run",
    "doctor-place.ts": "run",
    "proxy.ts": "run",
    "processes.ts": "run",
    "run.ts": "run",
    "worker.ts": "run",
    "assembly.ts": "run",
    "stacked.ts": "run",
    "inspection.ts": "run",
    "announce.ts": "run",
    "ports.ts": "run",
    "configuration.ts": "run",
    "outbound.ts": "outbound",
    "opened-dashboard.ts": "outbound",
    "learned-method.ts": "outbound",
    "connect.ts": "outbound",
    "plugins.ts": "plugins",
    "config-sources.ts": "plugins",
    "shipping.ts": "plugins",
    "settings.ts": "settings",
    "micro-service-json.ts": "mechanism",
    "mod.ts": "plugins",
  };
  const layer = named[path];
  if (layer === undefined)
    throw new Error(`src/${path}: belongs to no layer; put it into a folder or name its layer here`);
  return layer;
}

/** The house's, whatever folders it has within. */
const folderOf = (path: string) => (path.includes("/") ? path.slice(0, path.indexOf("/")) : ".");

/** Edges that break `rule`, as lines to read. */
function offenders(rule: (from: string, to: string) => boolean): string[] {
  return sources.flatMap(({ path, inside }) =>
    inside.filter((to) => rule(path, to)).map((to) => `src/${path} imports src/${to}`),
  );
}

test("imports go down the layers or stay in their folder", () => {
  const up = offenders(
    (from, to) =>
      folderOf(from) !== folderOf(to) && layers.indexOf(layerOf(to)) > layers.indexOf(layerOf(from)),
  );
  expect(up).toEqual([]);
});

/** The ways around in a graph, as lines to read. */
function circlesOf(graph: ReadonlyMap<string, Iterable<string>>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]): void => {
    if (trail.includes(node)) circles.push([...trail.slice(trail.indexOf(node)), node].join(" → "));
    if (done.has(node) || trail.includes(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...trail, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return circles;
}

test("imports make no circle", () => {
  expect(circlesOf(new Map(sources.map(({ path, inside }) => [path, inside])))).toEqual([]);
});

test("nor do the folders within a folder", () => {
  const graph = new Map<string, Set<string>>();
  for (const { path, inside } of sources)
    for (const to of inside)
      if (folderOf(path) === folderOf(to) && dirname(path) !== dirname(to))
        graph.set(dirname(path), (graph.get(dirname(path)) ?? new Set()).add(dirname(to)));
  expect(circlesOf(graph)).toEqual([]);
});

test("a folder is entered by its contract alone, except by run.ts, ports.ts, configuration.ts, outbound.ts, connect.ts, plugins.ts and config-sources.ts", () => {
  const assembling = new Set([
    "api.ts",
    "doctor.ts",
    "doctor-cluster.ts",
    "doctor-place.ts",
    "edge.ts",
    "gateway.ts",
    "operator.ts",
    "proxy.ts",
    "processes.ts",
    "run.ts",
    "assembly.ts",
    "stacked.ts",
    "inspection.ts",
    "ports.ts",
    "configuration.ts",
    "outbound.ts",
    "opened-dashboard.ts",
    "connect.ts",
    "plugins.ts",
    "config-sources.ts",
    "shipping.ts",
    "mod.ts",
    "begin.ts",
  ]);
  const around = offenders(
    (from, to) =>
      !assembling.has(from) && folderOf(to) !== "." && folderOf(from) !== folderOf(to) && !contracts.has(to),
  );
  expect(around).toEqual([]);
});

test("an adapter never imports another", () => {
  const across = offenders(
    (from, to) => layerOf(from) === "adapter" && layerOf(to) === "adapter" && folderOf(from) !== folderOf(to),
  );
  expect(across).toEqual([]);
});

test("the public face is imported by run.ts alone", () => {
  expect(offenders((from, to) => to === "mod.ts" && from !== "run.ts")).toEqual([]);
});

test("each third-party package has one door", () => {
  const doors = new Map<string, Set<string>>();
  for (const { path, packages } of sources) {
    for (const name of packages.filter((name) => !/^(node|bun):|^bun$/.test(name))) {
      const own = name
        .split("/")
        .slice(0, name.startsWith("@") ? 2 : 1)
        .join("/");
      doors.set(own, (doors.get(own) ?? new Set()).add(folderOf(path) === "." ? path : folderOf(path)));
    }
  }
  const several = [...doors]
    .filter(([, folders]) => folders.size > 1)
    .map(([name, folders]) => `${name}: ${[...folders].join(", ")}`);
  expect(several).toEqual([]);
  for (const [name, folder] of [
    ["hono", "dashboard"],
    ["uplot", "dashboard"],
    ["yargs", "cli"],
    ["@grpc/grpc-js", "grpc"],
    ["jose", "middleware"],
    ["@bufbuild/protovalidate", "middleware"],
    ["@nats-io/transport-node", "broker"],
    ["@nats-io/jetstream", "broker"],
  ] as const) {
    expect([...(doors.get(name) ?? [])], name).toEqual([folder]);
  }
});

test("grpc-js is loaded with its own transport alone", () => {
  const others = offenders(
    (from, to) => /^grpc\/js\//.test(to) && !/^grpc\/js\//.test(from) && from !== "plugins.ts",
  );
  expect(others).toEqual([]);
  const bare = sources.filter(({ packages }) => packages.includes("@grpc/grpc-js")).map(({ path }) => path);
  expect(bare.filter((path) => !/^grpc\/js\//.test(path))).toEqual([]);
});

test("no file is longer than it may be", () => {
  const long = sources.filter(({ text }) => text.split("\n").length - 1 > maxLines).map(({ path }) => path);
  expect(long).toEqual([]);
});

test("every file opens with a sentence that says what it is", () => {
  const silent = sources
    .filter(({ text }) => !/^(#!.*\n)?\/\*\*?\s+(\* )?\S.+[.:]( \*\/|\n)/.test(text))
    .map(({ path }) => path);
  expect(silent).toEqual([]);
});

test("file names are kebab-case nouns", () => {
  const bad = sources
    .map(({ path }) => path)
    .filter(
      (path) =>
        !/^[a-z0-9-]+(\.gen)?\.ts$/.test(basename(path)) ||
        /^(utils?|helpers?|types|common|index|impl)\.ts$/.test(basename(path)),
    );
  expect(bad.filter((path) => path !== "grpc/schema/types.ts")).toEqual([]);
});

/** What every call makes several of: a closure for each method would cost more than a small call does. Never exported. */
const madePerCall = new Set([
  "client/attempt.ts",
  "client/replies.ts",
  "grpc/exchange.ts",
  "grpc/h2/invoked.ts",
  "grpc/h2/served.ts",
  "grpc/invocation.ts",
  "grpc/served-call.ts",
  "grpc/pull-stream.ts",
  "h1/exchange.ts",
  "h2/stream.ts",
  "http/lifetime.ts",
  "http/unary.ts",
  "lazy-headers.ts",
  "middleware/changed-call.ts",
  "middleware/time-limit.ts",
  "service/dispatch.ts",
]);

test("classes are errors, or what calls are made of", () => {
  const others = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/^\s*(export )?(?:abstract )?class (\w+)\b(?! extends Error)/gm)]
      .filter(([, exported]) => exported !== undefined || !madePerCall.has(path))
      .map(([, , name]) => `src/${path}: ${name}`),
  );
  expect(others.filter((entry) => !/Error$/.test(entry))).toEqual([]);
});

test("importing a module starts nothing: timers, listeners and servers live in functions", () => {
  const eager = sources
    .filter(({ path }) => path !== "main.ts")
    .flatMap(({ path, text }) =>
      text
        .split("\n")
        .filter((line) =>
          /^(setTimeout|setInterval|process\.on|await |new [A-Z]\w*Server|console\.)/.test(line),
        )
        .map((line) => `src/${path}: ${line}`),
    );
  expect(eager).toEqual([]);
});

test("imports inside src name a file that exists", () => {
  const known = new Set(sources.map(({ path }) => path));
  const missing = offenders((_, to) => !known.has(to) && !/\.(gen|d)\.ts$/.test(to));
  expect(missing.map((edge) => relative(".", edge))).toEqual([]);
});
