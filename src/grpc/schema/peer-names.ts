/** The names of a peer's schema, each looked at before anything is made of it. */
import { refused } from "./peer-descriptors.ts";

/** All names of a schema together: messages, fields, enums, values, services, methods. */
const maxNames = 100_000;
const maxNameLength = 256;

export interface NameCheck {
  /** One identifier. */
  name(text: string | undefined): string;
  /** Identifiers between dots, without a dot before the first. */
  path(text: string | undefined): string;
  /** A name in JSON. */
  key(text: string): string;
}

export function nameCheck(): NameCheck {
  let seen = 0;
  const checked = (text: string, form: RegExp): string => {
    if (++seen > maxNames) throw refused(`it has more than ${maxNames} names`);
    const fits = text.length <= maxNameLength && form.test(text);
    if (!fits || /(^|\.)(__proto__|constructor|prototype)($|\.)/.test(text))
      throw refused(`${JSON.stringify(text.slice(0, 60))} cannot be used as a name`);
    return text;
  };
  return {
    name: (text = "") => checked(text, /^[A-Za-z_]\w*$/),
    path: (text = "") => checked(text.replace(/^\./, ""), /^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$/),
    key: (text) => checked(text, /^[\w@$.-]+$/),
  };
}
