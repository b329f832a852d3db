/** Flags of Go Micro that mean nothing here, and what takes their place. */

/** What to do instead, by the name that their flags begin with. */
export const foreignFlags: Readonly<Record<string, string>> = {
  store: "keep state in a database of your own: import its client in the module",
  auth: "check the caller in the handler: its token is in context.metadata",
  tracer: "trace in the module: import an OpenTelemetry SDK",
  runtime: "let the cluster run the service: microrun init writes a manifest",
  profile: "name what you want by --registry, --selector and --broker",
  debug_profile: "profile the process from outside: run the module with bun --inspect",
  transport_address: "use --server_address",
  server_proxy: "call others by name: --selector finds them",
  proxy: "call others by name: --selector finds them",
  api: "call POST /greeter/hello on --server_address: no gateway is needed",
};

/** The order to give for `--store_address` and its like; undefined: not a flag of Go Micro. */
export function foreignFlag(name: string): string | undefined {
  const family = Object.keys(foreignFlags).find((own) => name === own || name.startsWith(`${own}_`));
  return family === undefined ? undefined : foreignFlags[family];
}
