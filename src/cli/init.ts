/** `microrun init`: a working service to start from; nothing that is there is overwritten. */
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { MicrorunError } from "../errors.ts";
import type { Input } from "./command/command.ts";
import { selfCommand, shellWord } from "./command/self.ts";
import { written } from "./command/written.ts";
import { writeModuleTypes, writePublicTypes } from "./declarations.ts";
import { greeterTemplate } from "./greeter-template.ts";

export async function start({ words }: Input): Promise<number> {
  const folder = words[0] ?? ".";
  const made = await written("init", make(folder));
  process.stdout.write(`${nextSteps(folder, made)}\n`);
  return 0;
}

/** @returns what was written, relative to `folder` */
async function make(folder: string): Promise<string[]> {
  const names = Object.keys(greeterTemplate);
  const there = names.filter((name) => existsSync(join(folder, name)));
  if (there.length > 0) {
    throw new MicrorunError(
      "already_exists",
      `init: already there: ${there.map((name) => join(folder, name)).join(", ")}`,
      {
        hint: "name a folder of its own: microrun init my-service",
      },
    );
  }
  await mkdir(folder, { recursive: true });
  for (const [name, text] of Object.entries(greeterTemplate)) {
    await writeFile(join(folder, name), text, { flag: "wx" });
  }
  const types = [
    await writePublicTypes(folder),
    await writeModuleTypes(join(folder, "greeter.ts"), [join(folder, "greeter.proto")]),
  ];
  return [...names, ...types.map((path) => relative(folder, path))];
}

function nextSteps(folder: string, names: readonly string[]): string {
  const self = selfCommand(resolve(folder));
  const steps = [
    ...(relative(".", folder) === "" ? [] : [[`cd ${shellWord(folder)}`, ""]]),
    [`${self} ./greeter.ts`, "serves gRPC, JSON and health on :8080"],
    ["bun test", "runs greeter.test.ts"],
    ["kubectl create configmap greeter --from-file=greeter.ts --from-file=greeter.proto", ""],
    ["kubectl apply -f greeter.yaml", "runs it in a cluster"],
    ["kubectl delete -f greeter.yaml", "makes room for the next"],
    [`${self} deploy ./greeter.ts -t REGISTRY/greeter:1`, "the same from an image of its own"],
  ];
  const width = Math.max(...steps.map(([command, why]) => (why === "" ? 0 : command!.length)));
  const lines = steps.map(([command, why]) => `  ${command!.padEnd(width)}  ${why}`.trimEnd());
  return [`made in ${folder}: ${names.join(", ")}`, "", "next:", ...lines].join("\n");
}
