/** The commands by name; the first is what a line without one means. */

import type { Built, Command } from "./command/command.ts";
import { dashboardCommand } from "./dev/dashboard-command.ts";
import { devCommand } from "./dev/dev-command.ts";
import { doctorCommand } from "./dev/doctor-command.ts";
import { buildGroups } from "./flags/build-flags.ts";
import { deployGroups } from "./flags/deploy-flags.ts";
import { gatewayGroups, proxyGroups } from "./flags/gateway-flags.ts";
import { imageGroups } from "./flags/image-flags.ts";
import { manifestGroups, notPassed } from "./flags/manifest-flags.ts";
import { runGroups } from "./flags/run-flags.ts";
import { callGroup, configOutputFlags, discoveryGroup, probeFlags, rbacGroup } from "./flags/tool-flags.ts";
import { operatorCommand } from "./manifest/operator-command.ts";
import { openapiCommand } from "./openapi-command.ts";
import { registryCommands } from "./registry/registry-commands.ts";
import { toolkitCommands } from "./toolkit/toolkit-commands.ts";

export const commands: readonly Command[] = [
  {
    name: "run",
    words: "[module]",
    about: "Serve a handler module",
    groups: runGroups,
    examples: [
      ["microrun ./greeter.ts", "gRPC, JSON, web and health on :8080"],
      ["microrun ./greeter.ts --server_address=:9090 --watch", "another port; start anew on a change"],
      ["microrun ./import.ts -- --since=yesterday", "a job; what follows -- is its own"],
      ["MICRO_SELECTOR=static microrun ./greeter.ts", "every flag is a variable too"],
    ],
    most: 1,
    load: () => import("./run.ts"),
  },
  devCommand,
  doctorCommand,
  {
    name: "init",
    words: "[dir]",
    about: "Write a working service to start from",
    groups: [],
    examples: [["microrun init greeter", "into ./greeter; nothing is overwritten"]],
    most: 1,
    fromSource: true,
    load: () => import("./init.ts"),
  },
  {
    name: "types",
    words: "[module]",
    about: "Write types for the editor: of microrun and of a module's .proto",
    groups: [],
    examples: [["microrun types ./greeter.ts", "node_modules/microrun and greeter.types.ts"]],
    most: 1,
    fromSource: true,
    load: () => import("./declarations.ts"),
  },
  openapiCommand,
  {
    name: "build",
    words: "<module>",
    about: "Make one executable of a module, with all that it imports",
    groups: buildGroups,
    examples: [
      ["microrun build ./greeter.ts -o greeter", "for this machine"],
      ["microrun build ./greeter.ts -o greeter --target=linux-arm64-musl", "for another"],
    ],
    most: 1,
    fromSource: true,
    load: () => import("./image/build.ts"),
  },
  {
    name: "image",
    words: "<module>",
    about: "Make a container image of a module, without Docker",
    groups: imageGroups,
    examples: [
      ["microrun image ./greeter.ts -t registry.example/greeter:1", "pushed to its registry"],
      [
        "microrun image ./greeter.ts -t greeter:1 -o greeter.tar",
        "an archive for docker, podman, containerd",
      ],
    ],
    most: 1,
    fromSource: true,
    load: () => import("./image/image.ts"),
  },
  {
    name: "manifest",
    words: "<module>",
    about: "Print what Kubernetes needs to run a module, as YAML to apply",
    groups: manifestGroups,
    refused: notPassed,
    examples: [
      ["microrun manifest ./greeter.ts --image=registry.example/greeter:1 | kubectl apply -f -", "to run it"],
      ["microrun manifest ./greeter.ts --registry=kubernetes --replicas=3 -o deploy --kustomize", "as files"],
    ],
    most: 1,
    fromSource: true,
    load: () => import("./manifest/manifest.ts"),
  },
  {
    name: "deploy",
    words: "<module>",
    about: "Make and push a module's image, apply its manifest, and wait until it runs",
    groups: deployGroups,
    refused: notPassed,
    examples: [
      [
        "microrun deploy ./greeter.ts -t registry.example/greeter:1 -n shop",
        "to the cluster of the kubeconfig",
      ],
    ],
    most: 1,
    fromSource: true,
    load: () => import("./manifest/deploy.ts"),
  },
  operatorCommand,
  ...registryCommands,
  {
    name: "call",
    words: "<service> <endpoint> [request]",
    about: "Call a service and print its reply",
    groups: [callGroup, discoveryGroup],
    examples: [
      [`microrun call greeter Greeter.Hello '{"name":"John"}'`, "where the registry says"],
      [`microrun call greeter Greeter.Hello '{"name":"John"}' --address=localhost:8080`, "at an address"],
      ["microrun call greeter Greeter.Hello - < request.json", "the request from stdin"],
      ["microrun call chat Chat.Talk --stream < lines.json", "a request for each line of stdin"],
    ],
    most: 3,
    load: () => import("./call/call.ts"),
  },
  ...toolkitCommands,
  {
    name: "gateway",
    words: "",
    about: "Call services over HTTP by path, and pass web services through",
    groups: gatewayGroups,
    examples: [
      ["microrun gateway", "POST /greeter/hello calls Greeter.Hello of greeter"],
      [
        "microrun gateway --route=/shop=web --jwt_secret_file=jwt.key --rate_limit=100",
        "for the world outside",
      ],
    ],
    most: 0,
    load: () => import("./gateway.ts"),
  },
  {
    name: "proxy",
    words: "",
    about: "Pass gRPC calls through to services by name",
    groups: proxyGroups,
    examples: [["microrun proxy --address=:8081", "/greeter.Greeter/Hello goes to greeter"]],
    most: 0,
    load: () => import("./proxy.ts"),
  },
  dashboardCommand,
  {
    name: "config",
    words: "[check|watch] [module]",
    about: "Print the configuration with the source of each value, check it, or print its changes",
    // the command line of a run as it is
    groups: [{ title: "Config:", flags: configOutputFlags }, ...runGroups],
    examples: [
      ["microrun config", "one value a line; secrets are not shown"],
      ["microrun config check ./greeter.ts", "every fault, and against the module's schema; exit 1 if any"],
      ["microrun config watch --config=configmap://default/micro", "a line for each change, until Ctrl-C"],
    ],
    most: 2,
    load: () => import("./config/config.ts"),
  },
  {
    name: "rbac",
    words: "",
    about: "Print the smallest permissions for these flags of run, as YAML to apply",
    groups: [rbacGroup],
    examples: [
      ["microrun rbac --registry=kubernetes | kubectl apply -f -", "to be found by others"],
      ["microrun rbac --selector=p2c --no-register", "to find others"],
    ],
    most: 0,
    load: () => import("./manifest/rbac.ts"),
  },
  {
    name: "probe",
    words: "",
    about: "Ask once whether a service is healthy: exit 0 yes, 1 asked wrongly, 2 no connection, 4 no",
    groups: [{ title: "Probe:", flags: probeFlags }],
    examples: [
      ["microrun probe --server_name=greeter --server_address=localhost:9091", "by gRPC"],
      ["microrun probe --http=/readyz", "by HTTP, for Docker's HEALTHCHECK"],
    ],
    most: 0,
    load: () => import("./probe.ts"),
    askedWrongly: 1,
  },
  {
    name: "completion",
    words: "[shell]",
    about: "Print a completion script for bash or zsh",
    groups: [],
    examples: [["microrun completion bash >> ~/.bashrc", "from the next shell on"]],
    most: 1,
    load: () => import("./completion.ts"),
  },
];

/** Of an executable: one that is a service runs itself alone, and has nothing to make others from. */
export function commandsOf(built: Built | undefined): readonly Command[] {
  if (built === undefined) return commands;
  const [run, ...others] = commands.filter(({ fromSource }) => fromSource !== true);
  return [{ ...run!, words: "", about: `Serve ${built.name}`, examples: [], most: 0 }, ...others.map(itsOwn)];
}

/** Names no module: there is one. */
function itsOwn(command: Command): Command {
  const { words, examples } = command;
  return {
    ...command,
    words: words.replace(/ ?\[module\]/, ""),
    examples: examples.filter(([line]) => !line.includes(".ts")),
  };
}

/** The command of this name. */
export function commandNamed(
  word: string | undefined,
  among: readonly Command[] = commands,
): Command | undefined {
  return among.find(({ name, aliases = [] }) => name === word || aliases.includes(word ?? ""));
}
