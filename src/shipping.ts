/** What makes something to ship, each part loaded when it is asked for: bundles, executables, images, manifests. */
import { isAbsolute } from "node:path";
import type { Binary, BinaryOptions } from "./build/binary.ts";
import type { Bundle, BundleOptions } from "./build/bundle.ts";
import type { ModuleReader } from "./build/module-reader.ts";

export type { Facts, KubernetesObject, Mount, ObjectName, Port, Probes } from "./manifest/facts.ts";

export const shipping = {
  bundle: async (): Promise<{
    readonly bundle: (options: BundleOptions) => Promise<Bundle>;
    readonly bundleFolder: string;
  }> => {
    const { bundle, bundleFolder } = await import("./build/bundle.ts");
    return { bundleFolder, bundle: async (options) => bundle(options, await moduleReader()) };
  },
  binary: async (): Promise<{ readonly buildBinary: (options: BinaryOptions) => Promise<Binary> }> => {
    const { buildBinary } = await import("./build/binary.ts");
    return { buildBinary: async (options) => buildBinary(options, await moduleReader()) };
  },
  protos: (): Promise<typeof import("./build/protos.ts")> => import("./build/protos.ts"),
  targets: (): Promise<typeof import("./build/targets.ts")> => import("./build/targets.ts"),
  runtime: (): Promise<typeof import("./build/runtime.ts")> => import("./build/runtime.ts"),
  registry: (): Promise<typeof import("./distribution/client.ts")> => import("./distribution/client.ts"),
  image: (): Promise<typeof import("./image/shipment.ts")> => import("./image/shipment.ts"),
  platform: (): Promise<typeof import("./image/platform.ts")> => import("./image/platform.ts"),
  manifest: (): Promise<typeof import("./manifest/manifest.ts")> => import("./manifest/manifest.ts"),
  manifestFiles: (): Promise<typeof import("./manifest/files.ts")> => import("./manifest/files.ts"),
};

async function moduleReader(): Promise<ModuleReader> {
  const { checkFile } = await import("./service/module-file.ts");
  const { importError } = await import("./service/import-error.ts");
  const { readProtoFiles } = await import("./grpc/schema/proto-files.ts");
  return {
    check: checkFile,
    explain: importError,
    checkProtos: async (paths) => void (await (await import("./grpc/schema/schema.ts")).loadSchema(paths)),
    protoFiles: async (paths) =>
      (await readProtoFiles(paths)).filter(({ path }) => isAbsolute(path)).map(({ path }) => path),
  };
}
