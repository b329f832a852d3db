/** docs/tutorial.md: its files are written and its commands run, in their order, and what they print is as shown. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSteps, runSession, type Step, sessionEnv } from "../scripts/readme-session.ts";
import { controlPlane } from "./control-plane.ts";
import { targets } from "./harness.ts";
import { kubernetesBinaries } from "./kubernetes-binaries.ts";

/** The kubeconfig of a cluster with nodes, and the command that gives it an image's archive: without them what needs it is left out. */
const { MICRORUN_TUTORIAL_CLUSTER: cluster, MICRORUN_TUTORIAL_LOAD: load = "false" } = process.env;

type Need = "nothing" | "api server" | "cluster";

interface Part {
  readonly title: string;
  readonly steps: readonly (Step & { readonly need: Need })[];
}

const text = readFileSync(join(import.meta.dir, "../docs/tutorial.md"), "utf8")
  // another one, where that is in use
  .replace(/(?<=^dashboard: \S+:)8082/m, "…");

const parts: readonly Part[] = text
  .split(/^## /m)
  .slice(1)
  .map((part) => ({ title: part.slice(0, part.indexOf("\n")), steps: stepsOf(part) }));

function stepsOf(part: string): Part["steps"] {
  const blocks = part.matchAll(/(?:^<!-- (.*) -->\n)?^```(\w+)\n([\s\S]*?)^```$/gm);
  return [...blocks].flatMap(([, need = "nothing", language, body = ""]) => {
    const steps = language === "console" ? readSteps(`\`\`\`console\n${body}\`\`\``) : [written(body)];
    return steps.map((step) => ({ ...step, need: need as Need }));
  });
}

/** A file, whose name is in its first line. */
function written(body: string): Step {
  const [, name] = /^(?:\/\/|#) (\S+)\n/.exec(body) ?? [];
  if (name === undefined) throw new Error(`a file has its name in its first line: ${body}`);
  return { command: `cat > ${name} <<'END OF FILE'\n${body}END OF FILE`, shown: [], background: false };
}

const compiled = targets.find(({ name }) => name === "binary");
const [plane, binaries] = await Promise.all([cluster ? undefined : controlPlane(), kubernetesBinaries()]);
const holds: Readonly<Record<Need, boolean>> = {
  nothing: true,
  "api server": (plane ?? cluster) !== undefined && binaries !== undefined,
  cluster: cluster !== undefined,
};

const scratch = mkdtempSync(join(tmpdir(), "microrun-tutorial-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

test("the tutorial has its parts, and says of each command what it needs", () => {
  expect(parts.map(({ steps }) => steps.length)).not.toContain(0);
  const needs = parts.flatMap(({ steps }) => steps.map(({ need }) => need));
  expect(needs.filter((need) => !(need in holds))).toEqual([]);
});

describe.skipIf(compiled === undefined)("a reader of the tutorial", () => {
  const cwd = join(scratch, "shop");
  const bin = join(scratch, "bin");
  for (const path of [cwd, bin, join(scratch, "run")]) mkdirSync(path, { mode: 0o700 });
  if (compiled !== undefined) symlinkSync(compiled.command[0]!, join(bin, "microrun"));
  if (binaries !== undefined) symlinkSync(binaries.kubectl, join(bin, "kubectl"));
  writeFileSync(join(bin, "kind"), `#!/bin/sh\nexec ${load} "$PWD/$3"\n`, { mode: 0o755 });
  const env = sessionEnv(bin, {
    XDG_RUNTIME_DIR: join(scratch, "run"),
    TMPDIR: scratch,
    KUBECONFIG: cluster ?? plane?.kubeconfig() ?? "/dev/null",
  });

  // one after the other: each goes on with what those before it left
  for (const { title, steps } of parts) {
    const run = steps.filter(({ need }) => holds[need]);
    // a part that all of it needs a cluster is run where there is one
    if (run.length > 0)
      test(`does what is shown under ${title}`, () => runSession(run, { cwd, env }), 300_000);
  }
});
