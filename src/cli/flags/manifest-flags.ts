/** The flags of `microrun manifest`: what Kubernetes is told, and those of the run itself. */
import type { FlagGroup } from "./flags.ts";
import { runGroups } from "./run-flags.ts";

export const placeFlags = {
  namespace: {
    type: "text",
    short: "n",
    variable: false,
    about: "The namespace of all objects.",
    example: "shop",
    otherwise: "default; of deploy the context's",
  },
} as const;

export const imageFlags = {
  image: {
    type: "text",
    variable: false,
    about: "The image that has the module.",
    example: "registry.example/greeter:1",
    otherwise: "the name and the version",
  },
} as const;

export const workloadFlags = {
  name: {
    type: "text",
    variable: false,
    about: "The name of all objects.",
    example: "greeter",
    otherwise: "the service's, as DNS has it",
  },
  replicas: {
    type: "integer",
    variable: false,
    about: "How many Pods serve it.",
    example: "3",
    otherwise: "2",
  },
  autoscale: {
    type: "text",
    variable: false,
    about: "The least and the most Pods, as their CPU is used.",
    example: "2-10",
    otherwise: "as many as --replicas says",
  },
  cpu: {
    type: "text",
    variable: false,
    about: "The CPU that a Pod asks for; it may use more.",
    example: "100m",
    default: "50m",
  },
  memory: {
    type: "text",
    variable: false,
    about: "The memory that a Pod asks for and may use.",
    example: "512Mi",
    default: "256Mi",
  },
  headless: {
    type: "boolean",
    variable: false,
    about: "The Service has no address of its own: DNS answers with those of the Pods.",
    example: "true",
  },
  grpc_probe: {
    type: "boolean",
    variable: false,
    about: "Kubelet asks by gRPC whether it has started and may get calls.",
    example: "true",
  },
  worker: {
    type: "boolean",
    variable: false,
    about: "The module is a function that runs all the time: no port, no probes, no Service.",
    example: "true",
    otherwise: "as the default export is",
  },
  job: {
    type: "boolean",
    variable: false,
    about: "A Job: the module is a function that runs until it is done.",
    example: "true",
  },
  schedule: {
    type: "text",
    variable: false,
    about: "A CronJob: when the job runs, as cron writes it.",
    example: "'*/15 * * * *'",
  },
  env: {
    type: "pairs",
    variable: false,
    about: "A variable of the container, repeatable.",
    example: "MICRO_LOG_LEVEL=debug",
  },
  env_from: {
    type: "list",
    variable: false,
    about: "A ConfigMap or Secret whose entries are variables of the container, repeatable.",
    example: "secret/greeter",
  },
  mount: {
    type: "list",
    variable: false,
    about: "A ConfigMap, Secret or empty folder at a path of the container, repeatable.",
    example: "/etc/tls=secret/greeter-tls",
  },
  service_account: {
    type: "text",
    variable: false,
    about: "The service account that it runs as, which is there already.",
    example: "greeter",
    otherwise: "one of its own, of its name",
  },
  image_pull_secret: {
    type: "list",
    variable: false,
    about: "A Secret that lets kubelet pull the image, repeatable.",
    example: "registry-login",
  },
  network_policy: {
    type: "choice",
    of: ["namespace", "cluster"],
    variable: false,
    about: "Allow calls to its ports alone, from Pods of its namespace or of the whole cluster.",
    example: "namespace",
    otherwise: "whoever reaches it may call",
  },
  inject: {
    type: "choice",
    of: ["linkerd", "istio"],
    variable: false,
    about: "Have a mesh add its proxy to each Pod.",
    example: "linkerd",
  },
} as const;

export const fileFlags = {
  output: {
    type: "text",
    short: "o",
    variable: false,
    about: "A folder to write a file for each kind into.",
    example: "deploy",
    otherwise: "all to stdout",
  },
  kustomize: {
    type: "boolean",
    variable: false,
    about: "With a kustomization.yaml beside them.",
    example: "true",
  },
} as const;

/** Those that mean nothing to the Pods, and why. */
export const notPassed: Readonly<Record<string, string>> = {
  proto: "the image has the module's .proto files",
  watch: "what is in an image does not change",
  server_id: "each Pod has an id of its own",
  server_advertise: "each Pod has an address of its own",
  kubeconfig: "a Pod has its service account",
  kubernetes_context: "a Pod has its service account",
};

/** The flags of `run` that the Pods are given. */
export const passedGroups: readonly FlagGroup[] = runGroups.map(({ title, flags }) => ({
  title,
  flags: Object.fromEntries(Object.entries(flags).filter(([name]) => !Object.hasOwn(notPassed, name))),
}));

export const manifestGroups: readonly FlagGroup[] = [
  { title: "Manifest:", flags: { ...placeFlags, ...imageFlags, ...workloadFlags, ...fileFlags } },
  ...passedGroups,
];
