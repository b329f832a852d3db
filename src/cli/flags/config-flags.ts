/** The flags that say where configuration comes from. */

export const configFlags = {
  config: {
    type: "sources",
    about: "Where configuration comes from, repeatable; later ones win.",
    example: "file:./config.yaml",
    otherwise:
      "env:, then config.yaml, .yml, .json or .toml of this folder; in a cluster env:, then configmap://default/micro",
  },
  set: {
    type: "pairs",
    variable: false,
    about: "A value over all sources, by its dotted path, repeatable.",
    example: "mongodb.host=127.0.0.1",
  },
} as const;
