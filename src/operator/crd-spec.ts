/** The schema of what a MicroService asks for: each field described, bounded and checked by the API server itself. */

/** As the command line has them. */
export interface Choices {
  readonly registry: readonly string[];
  readonly registryFormat: readonly string[];
  readonly selector: readonly string[];
  readonly transport: readonly string[];
}

/** A part of an OpenAPI v3 schema, structural as Kubernetes wants it. */
export type Schema = Readonly<Record<string, unknown>>;

const text = (description: string, more: Schema = {}): Schema => ({ type: "string", description, ...more });
const flag = (description: string): Schema => ({ type: "boolean", description });
const number = (description: string, minimum: number, maximum: number): Schema => ({
  type: "integer",
  format: "int32",
  description,
  minimum,
  maximum,
});
/** A whole number or a text, as Kubernetes' own quantities; a structural schema cannot say "any number". */
const quantity = (description: string, more: Schema): Schema => ({
  "x-kubernetes-int-or-string": true,
  anyOf: [{ type: "integer" }, { type: "string" }],
  description,
  ...more,
});
const object = (description: string, properties: Schema, more: Schema = {}): Schema => ({
  type: "object",
  description,
  properties,
  ...more,
});
const list = (description: string, items: Schema, more: Schema = {}): Schema => ({
  type: "array",
  description,
  items,
  maxItems: maxListed,
  ...more,
});

/** Enough for any service, and what the costs of rules are counted by. */
const maxListed = 64;
const maxArgs = 256;
const maxPods = 99_999;
const maxModuleBytes = 512 * 1024;
/** Less was meant to have a unit. */
const minMemoryBytes = 1_000_000;

/** What ConfigMaps, Secrets and service accounts are called. */
const nameForm: Schema = {
  minLength: 1,
  maxLength: 253,
  pattern: "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
};
const fileForm: Schema = { maxLength: 253, pattern: "^[-._a-zA-Z0-9]+\\.(ts|mts|tsx|js|mjs)$" };
const name = (description: string): Schema => text(description, nameForm);
const names = (description: string): Schema =>
  list(description, { type: "string", ...nameForm }, { "x-kubernetes-list-type": "atomic" });
const port = (description: string): Schema => number(description, 1, 65_535);

const rule = (rule: string, message: string): Schema => ({ rule, message });
const rules = (...all: Schema[]): Schema => ({ "x-kubernetes-validations": all });
/** None of these fields where the condition holds. */
const without = (condition: string, what: string, fields: readonly string[]): Schema[] =>
  fields.map((field) =>
    rule(`!(${condition}) || !has(self.${field})`, `${field}: has no meaning for ${what}`),
  );

const place = {
  configMap: name("A ConfigMap of the namespace."),
  secret: name("A Secret of the namespace."),
};

export function specSchema(choices: Choices): Schema {
  const choice = (description: string, of: readonly string[]): Schema => text(description, { enum: [...of] });
  return object(
    "What is to run.",
    {
      image: text("The image that has the module.", { minLength: 1, maxLength: 512 }),
      module: object(
        "The module as text, run by the operator's runtime image.",
        {
          configMap: name("A ConfigMap that has the module, and the .proto beside it; a change rolls out."),
          key: text("Its entry. Default: main.ts.", fileForm),
          source: text("The module written out.", { minLength: 1, maxLength: maxModuleBytes }),
        },
        rules(
          rule("has(self.configMap) != has(self.source)", "give either configMap or source"),
          rule("!has(self.key) || has(self.configMap)", "key: names an entry of a configMap"),
        ),
      ),
      version: text("The version told to the registry.", { minLength: 1, maxLength: 128 }),
      serverName: text("The name others call it by. Default: the module's own.", {
        minLength: 1,
        maxLength: 253,
      }),
      worker: flag("It is a function that runs all the time: no port, no probes, no Service."),
      schedule: text("When it runs, as cron writes it, for a module that is a function: a CronJob.", {
        minLength: 1,
        maxLength: 128,
      }),
      replicas: number("How many Pods serve it. Default: 2, of a worker 1.", 0, maxPods),
      autoscale: object(
        "The least and the most Pods, as their CPU is used.",
        { min: number("The least.", 1, maxPods), max: number("The most.", 1, maxPods) },
        { required: ["min", "max"], ...rules(rule("self.min <= self.max", "min: more than max")) },
      ),
      registry: choice("Where it announces itself and finds others.", choices.registry),
      registryFormat: choice("Whose labels and annotations it writes.", choices.registryFormat),
      selector: choice("How the address for a call is found.", choices.selector),
      transport: choice("What carries calls.", choices.transport),
      config: object("Where its configuration comes from, beside its variables; the later win.", {
        configMaps: names("ConfigMaps of the namespace, the later win."),
        secrets: names("Secrets of the namespace, which win over ConfigMaps."),
        data: {
          type: "object",
          description:
            "Entries as a ConfigMap has them, which win over all others: config.yaml, shop.currency.",
          maxProperties: maxListed,
          additionalProperties: { type: "string", maxLength: maxModuleBytes },
        },
      }),
      args: list(
        "Flags of `microrun run`, and behind -- what is the module's own.",
        { type: "string", minLength: 1, maxLength: 4096 },
        { maxItems: maxArgs, "x-kubernetes-list-type": "atomic" },
      ),
      env: list(
        "Variables of the container.",
        object(
          "A variable.",
          {
            name: text("Its name.", { maxLength: 253, pattern: "^[A-Za-z_][A-Za-z0-9_]*$" }),
            value: text("Its value.", { default: "", maxLength: 65_536 }),
          },
          { required: ["name"] },
        ),
        { maxItems: maxArgs, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"] },
      ),
      envFrom: list(
        "ConfigMaps and Secrets whose entries are variables.",
        object("One of them.", place, rules(rule("has(self.configMap) != has(self.secret)", "give either"))),
        { "x-kubernetes-list-type": "atomic" },
      ),
      mounts: list(
        "What is mounted into the container.",
        object(
          "A ConfigMap, a Secret, or an empty folder that may be written to.",
          { path: text("Where.", { maxLength: 512, pattern: "^(/[^:/,=]+)+$" }), ...place },
          {
            required: ["path"],
            ...rules(
              rule("!(has(self.configMap) && has(self.secret))", "give at most one of configMap, secret"),
            ),
          },
        ),
        { "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["path"] },
      ),
      resources: object(
        "What each Pod gets.",
        {
          cpu: quantity("Asked for; it may use more. A fraction is a text.", {
            default: "50m",
            pattern: "^(\\d+m|\\d+(\\.\\d{1,3})?)$",
            minimum: 1,
          }),
          memory: quantity("Asked for, and the limit. A number: in bytes.", {
            default: "256Mi",
            pattern: "^(\\d+(\\.\\d+)?(Mi|Gi|M|G)|[1-9]\\d{6,})$",
            minimum: minMemoryBytes,
          }),
        },
        { default: {} },
      ),
      ports: object("Its ports.", {
        main: port("gRPC, JSON, web and health together. Default: 8080."),
        grpc: port("One for gRPC alone."),
        http: port("One for JSON and web alone."),
        health: port("One more for probes."),
      }),
      headless: flag("The Service has no address of its own: DNS answers with those of the Pods."),
      grpcProbe: flag("Kubelet asks by gRPC whether it has started and may get calls."),
      serviceAccountName: name("As whom it runs, made and granted by others. Default: one of its own."),
      imagePullSecrets: names("Secrets that let kubelet pull the image."),
      networkPolicy: choice("Who may call it. Default: whoever reaches it.", ["Namespace", "Cluster"]),
      mesh: choice("The mesh that adds its proxy to each Pod.", ["linkerd", "istio"]),
    },
    rules(
      rule("has(self.image) != has(self.module)", "give either image or module"),
      rule("!has(self.autoscale) || !has(self.replicas)", "replicas: the autoscaler says how many"),
      ...without("has(self.schedule)", "a schedule", [
        ...["replicas", "autoscale", "worker", "ports", "headless", "grpcProbe"],
      ]),
      ...without("has(self.worker) && self.worker", "a worker", ["ports", "headless", "grpcProbe"]),
    ),
  );
}
