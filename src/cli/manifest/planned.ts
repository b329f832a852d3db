/** What a MicroService asks for → the objects that `microrun manifest` makes of the same flags. */
import { usageError } from "../../errors.ts";
import type { MicroService, Planned, Wanted } from "../../operator.ts";
import { shipping } from "../../shipping.ts";
import type { Given } from "../flags/values.ts";
import { readArgs } from "./planned-args.ts";
import { configMapOf, declaredFlags } from "./planned-flags.ts";
import { readWorkload } from "./workload.ts";

/** Where a module that is a text is mounted. */
const moduleFolder = "/module";

/** @param runtimeImage runs modules that are texts @throws MicrorunError `invalid_argument` */
export async function planned(service: MicroService, runtimeImage: string | undefined): Promise<Planned> {
  const { name, namespace, spec } = service;
  const { module, schedule, worker = false, config } = spec;
  const image = spec.image ?? runtimeImage;
  if (image === undefined)
    throw usageError(
      "spec.module: this operator has no image that runs it",
      "give spec.image, or start the operator with --runtime_image",
    );
  const { given: said, rest } = readArgs(spec.args ?? []);
  const folder = module && [`${moduleFolder}=configmap/${configMapOf(service, "module")}`];
  const { facts } = await readWorkload({
    command: "operator",
    module: name,
    // a port for events does no harm where its module, which is not here, opens none
    own: { name, isFunction: worker || schedule !== undefined, subscribes: true },
    given: together(declaredFlags(service, folder), said),
    ...{ rest, image, namespace },
  });
  // told apart by their names where no module tells its own
  const entry = module?.source === undefined ? (module?.key ?? "main.ts") : `${name}.ts`;
  const { manifest } = await shipping.manifest();
  const objects = manifest({
    ...facts,
    grants: ownGrants(facts.grants, service),
    args: [...(module === undefined ? [] : [`${moduleFolder}/${entry}`]), ...facts.args],
  });
  const texts = { module: module?.source && { [entry]: module.source }, config: config?.data };
  return { image, objects: [...configMaps(service, texts), ...objects] };
}

/** Configuration is of both; anything else is said once. */
function together(fields: Given, args: Given): Given {
  const both = new Map(fields);
  for (const [name, texts] of args) {
    const before = both.get(name) ?? [];
    if (before.length > 0 && name !== "config")
      throw usageError(`spec.args: --${name}: a field of the spec says it already`, "leave out one of them");
    both.set(name, [...before, ...texts]);
  }
  return both;
}

/**
 * Whoever may have a MicroService made has power over its namespace alone, and so has what it is granted.
 * @throws MicrorunError `invalid_argument` for a grant beyond that
 */
function ownGrants<T extends Wanted>(grants: readonly T[], { namespace, spec }: MicroService): readonly T[] {
  // of an account that several may share, and that others have granted what it needs
  if (spec.serviceAccountName !== undefined) return [];
  if (grants.every(({ metadata }) => metadata.namespace === namespace)) return grants;
  throw usageError(
    `what it asks of the cluster is beyond namespace ${namespace}`,
    "have its administrator grant it to a service account (microrun rbac), and name that as spec.serviceAccountName",
  );
}

/** Texts of the spec itself, of which ConfigMaps are made. */
function configMaps(
  service: MicroService,
  texts: Readonly<Record<"module" | "config", Readonly<Record<string, string>> | "" | undefined>>,
): Wanted[] {
  const { name, namespace } = service;
  const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/managed-by": "microrun" };
  return Object.entries(texts).flatMap(([part, data]) =>
    data
      ? [
          {
            apiVersion: "v1",
            kind: "ConfigMap",
            metadata: { name: `${name}-${part}`, namespace, labels },
            data,
          },
        ]
      : [],
  );
}
