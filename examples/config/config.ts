/** Prints its configuration, all sources merged, and ends. */
import type { RuntimeContext } from "microrun";

export const name = "go-micro-config";

export default ({ config }: RuntimeContext): void => console.log(JSON.stringify(config.data, undefined, 2));
