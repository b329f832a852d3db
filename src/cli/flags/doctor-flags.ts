/** The flags of `microrun doctor` beside those of a run. */

export const doctorFlags = {
  output: {
    type: "choice",
    of: ["text", "json"],
    variable: false,
    about: "How what was found is written; json: an array of check, status, what, todo and yaml.",
    example: "json",
    default: "text",
  },
  calls: {
    type: "list",
    variable: false,
    about:
      "Services that must be found and reached; those whose names stand in the module are looked for, too.",
    example: "user,mail",
  },
  service_account: {
    type: "text",
    variable: false,
    about: "The service account whose permissions are looked at, in the context's namespace.",
    example: "greeter",
    otherwise: "our own permissions",
  },
} as const;
