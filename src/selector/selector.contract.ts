/** What every selector must do. */
import { expect, test } from "bun:test";
import { MicrorunError } from "../errors.ts";
import type { Selector } from "./selector.ts";

/** Where `greeter` is, for the selector that a test asks for. */
export const addresses = ["10.0.0.1:9090", "10.0.0.2:9090", "10.0.0.3:9090"] as const;

export interface SelectorTraits {
  /** It knows a service's instances, not its name alone. */
  readonly knows: boolean;
}

/** @param make a selector that finds `greeter` at these addresses, and no other service */
export function selectorContract(
  name: string,
  make: (addresses: readonly string[]) => Promise<Selector>,
  { knows }: SelectorTraits,
): void {
  const unsent = new MicrorunError("unavailable", "refused", { unsent: true });

  test(`${name}: picks are addresses with a port, and any number of reports is taken`, async () => {
    await using selector = await make(addresses);
    for (let picks = 0; picks < 20; picks++) {
      const address = await selector.pick("greeter");
      expect(address).toMatch(/^[\w.-]+:\d+$/);
      if (knows) expect(addresses as readonly string[]).toContain(address);
      selector.report?.(address, undefined, 1);
      selector.report?.(address, undefined, 1);
    }
    selector.report?.("192.0.2.1:1", unsent, 1);
    expect(await selector.pick("greeter")).toBeString();
  });

  test(`${name}: a name with a port of its own is where it says`, async () => {
    await using selector = await make(addresses);
    expect(await selector.pick("10.1.2.3:9999")).toBe("10.1.2.3:9999");
    expect(await selector.pick("[fd00::1]:9999")).toBe("[fd00::1]:9999");
  });

  if (!knows) return;

  test(`${name}: a service that nobody knows is unavailable, and the error names it`, async () => {
    await using selector = await make(addresses);
    const error = await failure(() => selector.pick("nobody"));
    expect(error.code).toBe("unavailable");
    expect(error.message).toStartWith("service nobody: no instance known");
    expect(error.hint).toBeString();
  });

  test(`${name}: an address that failed the call already is taken only when there is no other`, async () => {
    await using selector = await make(addresses);
    const [one, two, three] = addresses;
    for (let picks = 0; picks < 30; picks++)
      expect(await selector.pick("greeter", { except: new Set([one, two]) })).toBe(three);
    expect(addresses as readonly string[]).toContain(
      await selector.pick("greeter", { except: new Set(addresses) }),
    );
  });

  test(`${name}: an instance that cannot be reached is set aside while another can`, async () => {
    await using selector = await make(addresses);
    const failed = new Set<string>();
    while (failed.size < 2) {
      const address = await selector.pick("greeter", { except: failed });
      selector.report?.(address, unsent, 1);
      failed.add(address);
    }
    for (let picks = 0; picks < 30; picks++) expect(failed).not.toContain(await selector.pick("greeter"));
  });

  test(`${name}: instances that all failed are all taken`, async () => {
    await using selector = await make(addresses.slice(0, 2));
    for (let calls = 0; calls < 50; calls++) selector.report?.(await selector.pick("greeter"), unsent, 1);
    expect(await selector.pick("greeter")).toBeString();
  });
}

/** What a pick is refused with, at once or later. */
export async function failure(pick: () => string | Promise<string>): Promise<MicrorunError> {
  try {
    const address = await pick();
    throw new Error(`picked ${address}`);
  } catch (error) {
    if (error instanceof MicrorunError) return error;
    throw error;
  }
}
