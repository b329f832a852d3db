/** The flags of `microrun build`, and those of all that is built from a module. */
import type { FlagGroup } from "./flags.ts";

/** What goes into a bundle, whatever is made of it. */
export const bundleFlags = {
  proto: {
    type: "list",
    variable: false,
    about: "A .proto that replaces those that the module names, repeatable.",
    example: "./greeter.proto",
    otherwise: "what the module names, else the .proto of its stem",
  },
  include: {
    type: "list",
    variable: false,
    about: "Files that the module reads when it runs: globs, relative to its folder, repeatable.",
    example: "templates/**",
    otherwise: "none but what it imports",
  },
  minify: {
    type: "boolean",
    variable: false,
    about: "Shorten the code; traces name the source's lines all the same.",
    example: "true",
  },
} as const;

export const runtimeFlags = {
  runtime: {
    type: "text",
    variable: false,
    about: "A Bun executable of the target's platform, of this microrun's version of Bun.",
    example: "./bun-linux-x64-musl",
    otherwise: "from the cache, else from npm",
  },
} as const;

export const buildFlags = {
  output: {
    type: "text",
    short: "o",
    variable: false,
    about: "Where the executable is written.",
    example: "./greeter",
    otherwise: "the module's stem, in the current folder",
  },
  target: {
    type: "text",
    variable: false,
    about: "The platform it is made for.",
    example: "linux-x64-musl",
    otherwise: "this machine's",
  },
} as const;

export const buildGroups: readonly FlagGroup[] = [
  { title: "Build:", flags: { ...buildFlags, ...bundleFlags, ...runtimeFlags } },
];
