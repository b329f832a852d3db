/** The files of a new service, by name. */
import proto from "./greeter/greeter.proto" with { type: "text" };
import test from "./greeter/greeter.test.ts.txt" with { type: "text" };
import module from "./greeter/greeter.ts.txt" with { type: "text" };
import manifest from "./greeter/greeter.yaml.txt" with { type: "text" };
import tsconfig from "./greeter/tsconfig.json.txt" with { type: "text" };

export const greeterTemplate: Readonly<Record<string, string>> = {
  "greeter.ts": module,
  "greeter.proto": proto,
  "greeter.test.ts": test,
  "greeter.yaml": manifest,
  "tsconfig.json": tsconfig,
};
