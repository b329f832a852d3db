/** What installs the operator: the kind MicroService, its namespace, what it may do, and its Deployment. */
import { parseAddress } from "../../address.ts";
import { usageError } from "../../errors.ts";
import { parseReference } from "../../image-reference.ts";
import { operatorObjects } from "../../operator.ts";
import { kubernetes, registries, selectors, transports } from "../../plugins.ts";
import { type Facts, type KubernetesObject, shipping } from "../../shipping.ts";
import { version } from "../command/self.ts";
import { discoveryFlags } from "../flags/discovery-flags.ts";
import { installFlags, operatorFlags } from "../flags/operator-flags.ts";
import { type Given, readFlags } from "../flags/values.ts";

const name = "microrun-operator";
const usualNamespace = "microrun-system";
/** How long a start, and an answer to a probe, may take; and a stop, in s. */
const startSeconds = 60;
const probeSeconds = 2;
const graceSeconds = 15;

/** @throws MicrorunError `invalid_argument` */
export async function operatorManifest(given: Given): Promise<string> {
  const flags = readFlags({ ...operatorFlags, ...installFlags }, given, {});
  const { image, namespace = usualNamespace, watch_namespace: watched, lease } = flags;
  if (image === undefined)
    throw usageError(
      "operator manifest: the image of microrun is not said",
      "write microrun operator manifest --image=registry.example/microrun:1",
    );
  parseReference(image);
  await checkNamespaces({ namespace, watch_namespace: watched });
  const { crd, grants } = await operatorObjects(
    {
      // a registry within one process, or of one machine, is of no use among Pods
      registry: Object.keys(registries).filter((name) => name !== "local"),
      registryFormat: discoveryFlags.registry_format.of,
      selector: Object.keys(selectors),
      transport: Object.keys(transports),
    },
    { namespace, watched, lease, secrets: flags.grant_secrets },
  );
  const { manifest } = await shipping.manifest();
  const { manifestText } = await shipping.manifestFiles();
  const facts: Facts = {
    name,
    namespace,
    version,
    run: { kind: "worker", replicas: flags.replicas, headless: false },
    image,
    pullSecrets: [],
    args: ["operator", ...operatorArgs(given, image)],
    env: {},
    envFrom: [],
    mounts: [],
    ports: [{ name: "health", port: healthPort(flags.health_address) }],
    probes: { port: "health", tls: false, startSeconds, timeoutSeconds: probeSeconds },
    graceSeconds,
    cpu: "50m",
    memory: "256Mi",
    account: { name, own: true, token: true },
    grants: grants as KubernetesObject[],
    registers: false,
  };
  const home = { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } };
  return manifestText([crd, home, ...manifest(facts)]);
}

/** The flags of the run that were given, and the image that it needs. */
function operatorArgs(given: Given, image: string): string[] {
  const said = new Map([["runtime_image", [image]], ...given]);
  return [...said]
    .filter(([name]) => Object.hasOwn(operatorFlags, name) && name !== "namespace")
    .flatMap(([name, texts]) => texts.map((text) => `--${name}=${text}`));
}

function healthPort(address: string): number {
  const { path, port } = parseAddress(address) as { path?: string; port: number };
  if (path === undefined && port !== 0) return port;
  throw usageError(`--health_address=${address}: kubelet cannot ask there`, "give a port, such as :8081");
}

async function checkNamespaces(names: Readonly<Record<string, string | undefined>>): Promise<void> {
  const { isLabel } = await kubernetes.names();
  for (const [flag, name] of Object.entries(names))
    if (name !== undefined && !isLabel(name))
      throw usageError(
        `--${flag}=${name}: not a name of Kubernetes'`,
        "make it small letters, digits and -, at most 63, a letter or digit at both ends",
      );
}
