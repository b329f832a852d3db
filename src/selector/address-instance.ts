/** A host that is asked for by its address: an instance that nobody announced. */
import { formatAddress } from "../address.ts";
import type { Instance } from "../registry/registry.ts";
import { aborted } from "../wait.ts";

export function addressInstance(
  service: string,
  host: string,
  port: number,
  metadata: Instance["metadata"] = {},
): Instance {
  const address = formatAddress({ host, port });
  return { id: address, service, version: "", address, metadata };
}

/** A watch that sees one instance, and no change. */
export async function* unchanging(
  instance: Instance,
  signal: AbortSignal,
): AsyncGenerator<readonly Instance[]> {
  if (signal.aborted) return;
  yield [instance];
  await aborted(signal);
}
