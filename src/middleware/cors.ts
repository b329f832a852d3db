/** `cors`: which pages of other origins may call over HTTP, as the module says it. */
import { usageError } from "../errors.ts";
import { live } from "./live.ts";
import type { CorsRules, Layer, Live } from "./middleware.ts";
import { type Kinds, kinds } from "./option-kinds.ts";

export interface CorsOptions {
  /** `https://shop.example`; `*`: any, without cookies. */
  readonly origins: readonly string[];
  /** @default GET, HEAD, POST, PUT, PATCH, DELETE */
  readonly methods?: readonly string[];
  /** Those that a request may have. @default whatever is asked for */
  readonly headers?: readonly string[];
}

const table: Kinds<CorsOptions> = { origins: kinds.texts, methods: kinds.texts, headers: kinds.texts };

const defaultMethods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/** Of a list of middleware it is always the outermost: pages read refusals, too. What flags or configuration say replaces it. */
export function cors(options: Live<CorsOptions>): Layer {
  const held = live("cors", table, options, ({ origins, methods, headers }): CorsRules => {
    for (const origin of origins) checkOrigin(origin);
    return { origins, methods: methods ?? defaultMethods, headers: headers ?? [] };
  });
  const layer: Layer = (next, around) => {
    held(around);
    return next;
  };
  return Object.assign(layer, { cors: held });
}

/** As browsers write it: anything else would never match. */
function checkOrigin(origin: string): void {
  if (origin === "*" || origin === "null") return;
  const isWeb = /^https?:/i.test(origin);
  if (
    isWeb
      ? URL.canParse(origin) && new URL(origin).origin === origin
      : /^[a-z][a-z\d+.-]*:\/\/[^/?#\s]+$/.test(origin)
  )
    return;
  throw usageError(`origins: ${origin}: not an origin`, "write it as https://shop.example, without a path");
}
