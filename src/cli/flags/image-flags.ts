/** The flags of `microrun image`. */
import { bundleFlags, runtimeFlags } from "./build-flags.ts";
import type { FlagGroup } from "./flags.ts";

/** What an image is made of, wherever it goes. */
export const contentFlags = {
  platform: {
    type: "list",
    variable: false,
    about: "The platforms that it is for, repeatable: several make an index.",
    example: "linux/amd64,linux/arm64",
    otherwise: "Linux on this machine's architecture",
  },
  base: {
    type: "text",
    variable: false,
    about:
      "What lies below the runtime: a reference, an archive, an OCI layout, a folder with the root of a system, or scratch: no more than the runtime needs, of this machine.",
    example: "scratch",
    otherwise: "microrun's own, Alpine",
  },
} as const;

/** How its container is started, and what it says of itself. */
export const containerFlags = {
  env: {
    type: "pairs",
    variable: false,
    about: "A variable of its containers, repeatable.",
    example: "MICRO_LOG_LEVEL=debug",
  },
  user: {
    type: "text",
    variable: false,
    about: "Who its containers run as: UID:GID, or a UID that is the GID, too.",
    example: "1000:1000",
    default: "65532:65532",
  },
  expose: {
    type: "list",
    variable: false,
    about: "The ports that it says to serve on, repeatable.",
    example: "8080,8081/tcp",
    default: "8080",
  },
  label: {
    type: "pairs",
    variable: false,
    about: "A label of the image, repeatable.",
    example: "team=shop",
  },
  annotation: {
    type: "pairs",
    variable: false,
    about: "An annotation of the manifest, repeatable.",
    example: "org.opencontainers.image.revision=3f2a91c",
  },
  compression: {
    type: "choice",
    of: ["gzip", "zstd"],
    variable: false,
    about: "How layers are compressed; zstd is smaller and faster, gzip is read everywhere.",
    example: "zstd",
    default: "gzip",
  },
  sbom: {
    type: "boolean",
    variable: false,
    about: "Attach a list of what is in it (CycloneDX).",
    example: "false",
    default: "true",
  },
} as const;

export const pushFlags = {
  tag: {
    type: "list",
    short: "t",
    variable: false,
    about: "Its name, with the registry to push it to, repeatable.",
    example: "registry.example/greeter:1",
    otherwise: "of what is written with -o the module's stem",
  },
  sign: {
    type: "text",
    variable: false,
    about: "A command that signs what was pushed: it gets REFERENCE@DIGEST as its last word.",
    example: "'cosign sign --yes'",
  },
  registry_ca: {
    type: "text",
    variable: false,
    about: "A PEM file of authorities to believe besides the system's.",
    example: "./ca.pem",
  },
  allow_insecure_registry: {
    type: "boolean",
    variable: false,
    about: "Take a registry without TLS, or with a certificate that nobody vouches for.",
    example: "true",
  },
} as const;

export const imageOutputFlags = {
  output: {
    type: "text",
    short: "o",
    variable: false,
    about:
      "Where to write it instead: an archive, or (with / at its end, or a folder that is there) an OCI layout.",
    example: "greeter.tar",
    otherwise: "it is pushed",
  },
  digest_file: {
    type: "text",
    variable: false,
    about: "A file to write the digest into.",
    example: "./greeter.digest",
  },
} as const;

export const imageGroups: readonly FlagGroup[] = [
  { title: "Image:", flags: { ...pushFlags, ...imageOutputFlags } },
  { title: "Contents:", flags: { ...contentFlags, ...bundleFlags, ...runtimeFlags } },
  { title: "Container:", flags: containerFlags },
];
