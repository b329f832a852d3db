/** What is pushed, pulled and written: a tree of contents by digest, as the OCI image specification 1.1 has it. */

/** A reference to content (OCI descriptor.md); field names are the wire's. */
export interface Descriptor {
  readonly mediaType: string;
  /** `sha256:<hex>` */
  readonly digest: string;
  /** In bytes. */
  readonly size: number;
  readonly artifactType?: string;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** As Go names them: `linux`, `amd64`, `arm64` with variant `v8`. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** A manifest, a config or a layer; a large one is a file on the disk (Bun.file). */
export interface Content {
  readonly descriptor: Descriptor;
  readonly blob: Blob;
  /** The repository, on the same registry, that has it already (cross-repository mount): `library/alpine`. */
  readonly mountFrom?: string;
}

export interface Artifact {
  /** An image manifest, or an index of several. */
  readonly root: Descriptor;
  /** Children before their parents; the root last. */
  readonly contents: readonly Content[];
}
