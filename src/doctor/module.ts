/** Whether the module loads, its `.proto` files can be read, and each of its methods has a handler. */
import { type Check, type Finding, failure, ok, warn } from "./doctor.ts";

/** A module that was loaded. */
export interface ModuleFacts {
  readonly name: string;
  /** `greeter.Greeter.Hello` */
  readonly methods: readonly string[];
  /** Those of them that nothing answers. */
  readonly unanswered: readonly string[];
  /** Names of its `.proto` files. */
  readonly protos: readonly string[];
}

export function moduleCheck(load: () => Promise<ModuleFacts>): Check {
  return { name: "module", run: async () => judgeModule(await load()) };
}

export function judgeModule({ name, methods, unanswered, protos }: ModuleFacts): Finding[] {
  const by = protos.length === 0 ? "" : ` of ${protos.join(", ")}`;
  const loaded = ok(`${name} loads: ${methods.length} ${methods.length === 1 ? "method" : "methods"}${by}`);
  if (unanswered.length === 0) return [loaded];
  return [
    loaded,
    warn(
      `without a handler: ${unanswered.join(", ")}`,
      "write the handlers: until then calls of these fail with unimplemented",
    ),
  ];
}

export interface ConfigFacts {
  readonly faults: readonly { readonly source: string; readonly message: string }[];
  readonly notes: readonly { readonly source: string; readonly message: string }[];
}

/** Whether a run here would have the configuration that it needs. */
export function configCheck(read: () => Promise<ConfigFacts>): Check {
  return {
    name: "config",
    run: async () => {
      const { faults, notes } = await read();
      const told = [
        ...faults.map(({ source, message }): Finding => failure(new Error(`${source}: ${message}`))),
        ...notes.map(({ source, message }): Finding => failure(new Error(`${source}: ${message}`), "warn")),
      ].map(
        (finding): Finding => ({ ...finding, todo: "mend the source: microrun config shows its values" }),
      );
      return told.length === 0 ? [ok("no fault")] : told;
    },
  };
}
