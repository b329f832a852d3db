/** What `import … from "microrun"` gives outside microrun, where a module's own tests run. */
import { type connect as Connect, MicrorunError } from "../../src/mod.ts";

export * from "../../src/mod.ts";

/** Only a run has the settings that it takes. */
export const connect: typeof Connect = async () => {
  throw new MicrorunError("unimplemented", "connect: this is not run by microrun", {
    hint: "run the script by microrun: npx microrun FILE",
  });
};
