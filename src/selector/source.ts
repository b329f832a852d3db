/** Where a balancing selector learns of a service's instances: a registry, or DNS. */
import type { Instance } from "../registry/registry.ts";

export interface Source {
  /** In messages: `the local registry`, `DNS`. */
  readonly title: string;
  /** @throws MicrorunError `invalid_argument` for what can be no service's name */
  check?(service: string): void;
  /** As `Registry.watch`. May end by itself: it is watched again. */
  watch(service: string, signal: AbortSignal): AsyncIterable<readonly Instance[]>;
  /** The zone of this process, where the source learns it. */
  zone?(): string | undefined;
  /** As `Registry.staleSince`. */
  staleSince?(): number | undefined;
  /** As `Registry.trouble`. */
  trouble?(service: string): string | undefined;
  /** Why it knows no instance of the service, where it can say more than that. */
  why?(service: string): string | undefined;
  /** Which instances come first, others when these fail or are overloaded. @default by zone */
  isNear?(instance: Instance): boolean;
  /** How often an instance's turn comes, against others' 1. A whole number from 1 to 10. @default 1 */
  weight?(instance: Instance): number;
}
