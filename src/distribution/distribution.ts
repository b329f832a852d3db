/** A client of OCI registries, as what makes images sees it: the distribution specification 1.1, as far as images need it. */
import type { Reference } from "../image-reference.ts";
import type { Artifact, Platform } from "../oci.ts";
import type { Progress } from "../progress.ts";

export interface RegistryClient {
  /**
   * Without a platform an index with all that it names, else the one image of it.
   * @throws MicrorunError `not_found`, `unauthenticated`, `permission_denied`, `resource_exhausted`, `unavailable`, `data_loss`
   */
  pull(
    reference: Reference,
    platform?: Platform,
    options?: { readonly progress?: Progress },
  ): Promise<Artifact>;
  /** The reference's own tag is set unless `tags` says which; none at all: it is there by digest. */
  push(reference: Reference, artifact: Artifact, options?: PushSettings): Promise<Pushed>;
}

export interface PushSettings {
  /** @default the reference's, else `latest`, unless it has a digest */
  readonly tags?: readonly string[];
  readonly progress?: Progress;
}

export interface Pushed {
  /** Of the root. */
  readonly digest: string;
  /** Of blobs and manifests that went out, headers aside. */
  readonly sentBytes: number;
  /** Contents that were there. */
  readonly present: number;
  /** Blobs that came from another repository. */
  readonly mounted: number;
}
