/** The flags of `microrun operator`, and of what installs it. */
import { discoveryFlags } from "./discovery-flags.ts";

export const operatorFlags = {
  watch_namespace: {
    type: "text",
    variable: "MICRO_OPERATOR_WATCH_NAMESPACE",
    about: "The namespace whose MicroServices it looks after.",
    example: "shop",
    otherwise: "all of them",
  },
  namespace: {
    type: "text",
    short: "n",
    variable: "MICRO_OPERATOR_NAMESPACE",
    about: "The namespace of its lease; of the manifest, where it runs.",
    example: "shop",
    otherwise: "its Pod's, or the context's; of the manifest microrun-system",
  },
  runtime_image: {
    type: "text",
    variable: "MICRO_OPERATOR_RUNTIME_IMAGE",
    about: "The image that runs modules given as text: microrun without a module.",
    example: "registry.example/microrun:1",
    otherwise: "of the manifest --image; else such modules are refused",
  },
  lease: {
    type: "text",
    variable: "MICRO_OPERATOR_LEASE",
    about: "The Lease by which one of several operators leads.",
    example: "microrun-operator-shop",
    default: "microrun-operator",
  },
  lease_duration: {
    type: "duration",
    variable: "MICRO_OPERATOR_LEASE_DURATION",
    about: "How long others wait for one that has gone silent.",
    example: "30s",
    default: "15s",
    min: 1000,
  },
  resync: {
    type: "duration",
    variable: "MICRO_OPERATOR_RESYNC",
    about: "How often everything is applied anew, though nothing was heard.",
    example: "1h",
    default: "10m",
    min: 1000,
  },
  health_address: {
    type: "address",
    variable: "MICRO_OPERATOR_HEALTH_ADDRESS",
    about: "Where it answers health probes.",
    example: "127.0.0.1:9081",
    default: ":8081",
  },
} as const;

export const installFlags = {
  image: {
    type: "text",
    variable: false,
    about: "The image of microrun that the operator runs as.",
    example: "registry.example/microrun:1",
  },
  replicas: {
    type: "integer",
    variable: false,
    about: "How many operators; one of them leads.",
    example: "1",
    default: "2",
    min: 1,
  },
  grant_secrets: {
    type: "boolean",
    variable: false,
    about: "Let MicroServices read Secrets as configuration, for which the operator has to be able to.",
    example: "true",
  },
} as const;

export const clusterFlags: Pick<typeof discoveryFlags, "kubeconfig" | "kubernetes_context"> = {
  kubeconfig: discoveryFlags.kubeconfig,
  kubernetes_context: discoveryFlags.kubernetes_context,
};
