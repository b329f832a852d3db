/** What microrun is made of, as a CycloneDX 1.6 bill of materials: the packages that the lock file pins for it. */
import { createHash } from "node:crypto";
import manifest from "../../package.json" with { type: "json" };
import lock from "../../package-lock.json" with { type: "json" };

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
}

interface Component {
  readonly type: "library";
  readonly "bom-ref": string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses?: readonly unknown[];
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
}

const packages: Readonly<Record<string, Locked>> = lock.packages;

/** Without what is only for development, and without the builds of Bun for each platform: the component `bun` stands for them. */
const shipped = Object.entries(packages).filter(
  ([path, { dev, optional }]) => path !== "" && dev !== true && optional !== true,
);

export function billOfMaterials(): unknown {
  const components = new Map(
    shipped.map(([path, locked]) => component(nameOf(path), locked)).map((one) => [one["bom-ref"], one]),
  );
  const own = purl(manifest.name, manifest.version);
  const body = {
    metadata: {
      component: {
        type: "application",
        "bom-ref": own,
        name: manifest.name,
        version: manifest.version,
        purl: own,
        licenses: [{ expression: manifest.license }],
      },
    },
    components: [...components.keys()].sort().map((ref) => components.get(ref)),
    dependencies: dependencies(own),
  };
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(body))}`,
    version: 1,
    ...body,
  };
}

function component(name: string, { version = "", license, integrity }: Locked): Component {
  const [algorithm, digest] = integrity?.split("-", 2) ?? [];
  const hash = { alg: "SHA-512", content: Buffer.from(digest ?? "", "base64").toString("hex") };
  return {
    type: "library",
    "bom-ref": purl(name, version),
    name,
    version,
    purl: purl(name, version),
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
    ...(algorithm === "sha512" ? { hashes: [hash] } : {}),
  };
}

/** Once for each package; where it is installed twice, what either resolves to. */
function dependencies(own: string): unknown {
  const found = new Map([[own, new Set(dependedOn("", manifest.dependencies))]]);
  for (const [path, { version = "", dependencies }] of shipped) {
    const ref = purl(nameOf(path), version);
    found.set(ref, new Set([...(found.get(ref) ?? []), ...dependedOn(path, dependencies)]));
  }
  return [...found].map(([ref, others]) => ({ ref, dependsOn: [...others].sort() }));
}

const dependedOn = (path: string, wanted: Locked["dependencies"] = {}): string[] =>
  Object.keys(wanted).flatMap((name) => resolved(path, name) ?? []);

/** As Node does: beside the package itself, then further out. */
function resolved(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf("node_modules/") - 1))) {
    const path = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    const { version, dev, optional } = packages[path] ?? {};
    if (version !== undefined) return dev || optional ? undefined : purl(name, version);
    if (folder === "") return undefined;
  }
}

const nameOf = (path: string): string =>
  path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

/** package-url: the `@` of a scope is escaped. */
const purl = (name: string, version: string): string => `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;

/** The same for the same contents; version 8 is for those made by a rule of one's own (RFC 9562). */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
