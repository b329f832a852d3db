/** Does its work and ends: with 0, and with 1 where that failed. What follows `--` is its own. */
import type { RuntimeContext } from "microrun";

export default ({ args }: RuntimeContext): void => {
  if (args.length === 0) throw new Error("nobody to greet");
  for (const name of args) console.log(`Hello ${name}!`);
  console.log(`greeted: ${args.length}`);
};
