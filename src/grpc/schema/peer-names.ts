/** The names of a peer's schema, each looked at before anything is made of it. */
import { refused } from "./peer-descriptors.ts";

/** All names of a schema together: messages, fields, enums, values, services, methods. */
const maxNames = 100_000;
const maxNameLength = 256;
const plain = /^[A-Za-z_]\w*$/;

export interface NameCheck {
  /** One identifier. */
  name(text: string | undefined): string;
  /** Identifiers between dots, without a dot before the first. */
  path(text: string | undefined): string;
  /** A name in JSON: any text, as in files of one's own. */
  key(text: string): string;
}

export function nameCheck(): NameCheck {
  let seen = 0;
  const checked = (text: string, fits: boolean): string => {
    if (++seen > maxNames) throw refused(`it has more than ${maxNames} names`);
    if (!fits || text.length > maxNameLength || text === "__proto__")
      throw refused(`${JSON.stringify(text.slice(0, 60))} cannot be used as a name`);
    return text;
  };
  return {
    name: (text = "") => checked(text, plain.test(text)),
    path(text = "") {
      const names = text.replace(/^\./, "");
      return checked(
        names,
        names.split(".").every((name) => plain.test(name) && name !== "__proto__"),
      );
    },
    key: (text) => checked(text, true),
  };
}
