/** The flags that say how services find each other. */

export const discoveryFlags = {
  registry: {
    type: "choice",
    of: "registry",
    about: "Where services announce themselves and are found.",
    example: "kubernetes",
    otherwise: "local; in a cluster kubernetes where --selector asks a registry, else memory",
  },
  registry_address: {
    type: "addresses",
    about:
      "Addresses of the registry, separated by commas; of kubernetes its API server's URL, of local its folder.",
    example: "http://127.0.0.1:8001",
  },
  registry_format: {
    type: "choice",
    of: ["micro", "kratos", "gomicro"],
    about: "Whose labels and annotations kubernetes writes: Go Micro's, Kratos', or those of Kratos' fork.",
    example: "kratos",
    default: "micro",
  },
  register: {
    type: "boolean",
    about: "Announce the service in the registry.",
    example: "false",
    default: "true",
  },
  register_ttl: {
    type: "seconds",
    about: "How long an announcement holds unless repeated; a bare number counts seconds.",
    example: "90",
    default: "60",
    min: 1000,
  },
  register_interval: {
    type: "seconds",
    about: "How often an announcement is repeated; a bare number counts seconds.",
    example: "15",
    default: "30",
    min: 1000,
  },
  selector: {
    type: "choice",
    of: "selector",
    about: "How the address for a call is found.",
    example: "roundrobin",
    otherwise: "p2c; in a cluster static, unless --registry names one to ask",
  },
  selector_key: {
    type: "text",
    about: "The metadata key of a call that --selector=hash chooses by.",
    example: "x-user-id",
  },
  zone: {
    type: "text",
    about: "The zone of this process, whose instances are called first.",
    example: "eu-1a",
    otherwise: "what the registry learns",
  },
  kubeconfig: {
    type: "text",
    variable: false,
    about: "The kubeconfig that says where the cluster is.",
    example: "./kubeconfig",
    otherwise: "the pod's service account, else KUBECONFIG, else ~/.kube/config",
  },
  kubernetes_context: {
    type: "text",
    about: "The context of the kubeconfig.",
    example: "staging",
    otherwise: "its current one",
  },
  kubernetes_namespace: {
    type: "text",
    about: "The namespace where services are looked for; * for all, which needs a ClusterRole.",
    example: "team-a",
    otherwise: "the pod's own, or the context's",
  },
} as const;
