/** The client of registries as a program of its own, to be run from source and compiled: pulls REFERENCE, prints its digest. */

import { registryClient } from "../src/distribution/client.ts";
import { parseReference } from "../src/image-reference.ts";

const [text = "", cacheFolder = ""] = process.argv.slice(2);
const { env } = process;
const ca = env.REGISTRY_CA;
const client = registryClient({
  env,
  ...(ca === undefined ? {} : { ca }),
  insecure: env.INSECURE === "1",
  signal: AbortSignal.timeout(30_000),
  cacheFolder,
});
const { root } = await client.pull(parseReference(text));
console.log(root.digest);
