/** What an image is made of, as a CycloneDX 1.6 document: the module's packages, the runtime, the base. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface SbomOptions {
  readonly name: string;
  readonly version?: string;
  /** Absolute paths of the source files that went in. */
  readonly inputs: readonly string[];
  /** Of microrun, and of the Bun in it. */
  readonly runtime: { readonly version: string; readonly bun: string };
  readonly bases: readonly { readonly name: string; readonly digest: string }[];
  /** The digest of the image. */
  readonly subject: string;
  /** When it was made, since 1970; left out where that is not known. */
  readonly seconds?: number;
}

interface Package {
  readonly name: string;
  readonly version: string;
  readonly license?: string;
}

interface Component {
  readonly type: string;
  readonly "bom-ref": string;
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly hashes?: readonly object[];
  readonly licenses?: readonly object[];
}

/** The same input gives the same bytes. */
export async function sbom(options: SbomOptions): Promise<Uint8Array<ArrayBuffer>> {
  const { name, version, runtime, bases, seconds } = options;
  const component: Component = {
    type: "application",
    "bom-ref": "service",
    name,
    ...(version === undefined ? {} : { version }),
  };
  const components = [
    ...(await packagesOf(options.inputs)).map(packageComponent),
    packageComponent({ name: "microrun", version: runtime.version, license: "MIT" }),
    packageComponent({ name: "bun", version: runtime.bun, license: "MIT" }),
    ...bases.map(({ name, digest }) => ({
      type: "container",
      "bom-ref": `${name}@${digest}`,
      name,
      version: digest,
    })),
  ];
  const document = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: serialNumber(options.subject),
    version: 1,
    metadata: {
      ...(seconds === undefined ? {} : { timestamp: new Date(seconds * 1000).toISOString() }),
      tools: { components: [{ type: "application", name: "microrun", version: runtime.version }] },
      component,
    },
    components: components.map((one) => one),
    dependencies: [{ ref: "service", dependsOn: components.map((one) => one["bom-ref"]) }],
  };
  return new TextEncoder().encode(`${JSON.stringify(document, null, 2)}\n`);
}

function packageComponent({ name, version, license }: Package): Component {
  const purl = `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
  // an expression, or what was once written instead of one
  const known = license !== undefined && /^[\w.+-]+$/.test(license) && !/^(UNLICENSED|SEE)/i.test(license);
  const form = known ? { license: { id: license } } : { license: { name: license } };
  return {
    type: "library",
    "bom-ref": purl,
    name,
    version,
    purl,
    ...(license === undefined
      ? {}
      : { licenses: [/ (OR|AND|WITH) /.test(license) ? { expression: license } : form] }),
  };
}

/** The npm packages that some files belong to, each version once. */
async function packagesOf(inputs: readonly string[]): Promise<Package[]> {
  const folders = new Set<string>();
  for (const path of inputs) {
    const folder = /^.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+/.exec(path)?.[0];
    if (folder !== undefined) folders.add(folder);
  }
  const found = new Map<string, Package>();
  for (const folder of folders) {
    const text = await readFile(join(folder, "package.json"), "utf8").catch(() => "{}");
    const { name, version, license } = JSON.parse(text) as Record<string, unknown>;
    if (typeof name !== "string" || typeof version !== "string") continue;
    found.set(`${name}@${version}`, {
      name,
      version,
      ...(typeof license === "string" ? { license } : {}),
    });
  }
  return [...found.keys()].sort().map((key) => found.get(key)!);
}

/** A UUID (RFC 9562, version 8) of what it is about. */
function serialNumber(subject: string): string {
  const hex = [...new Bun.CryptoHasher("sha256").update(subject).digest("hex").slice(0, 32)];
  hex[12] = "8";
  hex[16] = "8";
  return `urn:uuid:${hex.join("").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")}`;
}
