/** The flags of `microrun openapi` alone. */

export const openapiFlags = {
  output: {
    type: "choice",
    of: ["json", "yaml"],
    variable: false,
    about: "How the description is written.",
    example: "yaml",
    default: "json",
  },
} as const;
