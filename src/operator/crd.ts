/** The kind `MicroService`, as a cluster is told of it. */
import { type Choices, type Schema, specSchema } from "./crd-spec.ts";
import { resource, type Wanted } from "./operator.ts";

export type { Choices } from "./crd-spec.ts";

/** In the order of `kubectl get`. */
const columns = [
  ["Image", "string", ".status.image", "What its Pods run."],
  ["Replicas", "integer", ".status.replicas", "How many Pods there are."],
  ["Ready", "integer", ".status.readyReplicas", "How many of them are ready."],
  ["Status", "string", '.status.conditions[?(@.type=="Ready")].reason', "How it is."],
  ["Age", "date", ".metadata.creationTimestamp", "Since when it is there."],
] as const;

export function customResource(choices: Choices): Wanted {
  const { group, version, kind, plural } = resource;
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase(), shortNames: ["msvc"] },
      scope: "Namespaced",
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema(choices) },
          subresources: {
            status: {},
            scale: {
              specReplicasPath: ".spec.replicas",
              statusReplicasPath: ".status.replicas",
              labelSelectorPath: ".status.selector",
            },
          },
          additionalPrinterColumns: columns.map(([name, type, jsonPath, description]) => ({
            ...{ name, type, jsonPath, description },
          })),
        },
      ],
    },
  };
}

function schema(choices: Choices): Schema {
  return {
    type: "object",
    description:
      "A microservice: a module and how it runs. Its Deployment or CronJob bears its name, as do the others.",
    required: ["spec"],
    properties: {
      apiVersion: { type: "string" },
      kind: { type: "string" },
      metadata: { type: "object" },
      spec: specSchema(choices),
      status: statusSchema,
    },
    "x-kubernetes-validations": [
      {
        rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$')",
        message:
          "metadata.name: a Service bears it, so small letters, digits and -, a letter first, at most 63",
      },
      {
        rule: "!has(self.spec.schedule) || size(self.metadata.name) <= 52",
        message: "metadata.name: a CronJob bears it, so at most 52 characters",
      },
    ],
  };
}

const statusSchema: Schema = {
  type: "object",
  description: "How it is, as the operator last saw it.",
  properties: {
    observedGeneration: { type: "integer", format: "int64", description: "The spec that this is about." },
    image: { type: "string", description: "What its Pods run." },
    replicas: { type: "integer", format: "int32", description: "How many Pods there are." },
    readyReplicas: { type: "integer", format: "int32", description: "How many of them are ready." },
    selector: { type: "string", description: "The labels of its Pods." },
    conditions: {
      type: "array",
      description:
        "Ready: all of it runs as the spec says. Progressing: Pods are on their way. Degraded: it cannot be.",
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["type"],
      items: {
        type: "object",
        required: ["type", "status", "reason", "message", "lastTransitionTime"],
        properties: {
          type: { type: "string", maxLength: 316 },
          status: { type: "string", enum: ["True", "False", "Unknown"] },
          reason: { type: "string", maxLength: 1024 },
          message: { type: "string", maxLength: 32_768 },
          observedGeneration: { type: "integer", format: "int64", minimum: 0 },
          lastTransitionTime: { type: "string", format: "date-time" },
        },
      },
    },
  },
};
