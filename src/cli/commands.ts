/** The commands by name; the first is what a line without one means. */
import type { Command } from "./command.ts";
import { logFlags, runGroups } from "./run-flags.ts";
import { callFlags, healthFlags, probeFlags } from "./tool-flags.ts";

const log = { title: "Log:", flags: logFlags };

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
  {
    name: "init",
    words: "[dir]",
    about: "Write a working service to start from",
    groups: [],
    examples: [["microrun init greeter", "into ./greeter; nothing is overwritten"]],
    most: 1,
    load: () => import("./init.ts"),
  },
  {
    name: "types",
    words: "[module]",
    about: "Write types for the editor: of microrun and of a module's .proto",
    groups: [],
    examples: [["microrun types ./greeter.ts", "node_modules/microrun and greeter.types.ts"]],
    most: 1,
    load: () => import("./declarations.ts"),
  },
  {
    name: "call",
    words: "<service> <endpoint> [request]",
    about: "Call a service and print its reply",
    groups: [{ title: "Call:", flags: callFlags }],
    examples: [
      [`microrun call greeter Greeter.Hello '{"name":"John"}' --address=localhost:8080`, "at an address"],
      ["microrun call greeter Greeter.Hello - < request.json", "the request from stdin"],
    ],
    most: 3,
    load: () => import("./call.ts"),
  },
  {
    name: "health",
    words: "",
    about: "Answer /health for a service that is not ours: the sidecar",
    groups: [{ title: "Health:", flags: healthFlags }, log],
    examples: [
      [
        "microrun health --server_name=greeter --server_address=localhost:9091",
        "GET 127.0.0.1:8080/health asks it",
      ],
    ],
    most: 0,
    load: () => import("./health.ts"),
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
