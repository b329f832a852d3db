/** What Kubernetes lets names, labels and their values be, and how a service's name becomes a part of them. */
import { MicrorunError } from "../errors.ts";

/** Of a label's value, and of a label's name after the slash. */
export const maxLabelBytes = 63;

/** Of an object's name. */
export const maxNameBytes = 253;

const labelForm = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** What is left of a label's name for a service's after `selector-`. */
export const maxMicroNameBytes: number = maxLabelBytes - "selector-".length;

/** As Go Micro's plugin writes it: each byte that a label's name may not hold becomes `_`. */
export function microName(service: string): string {
  return [...Buffer.from(service)]
    .map((byte) => String.fromCharCode(byte))
    .map((character) => (/[-A-Za-z0-9_.]/.test(character) ? character : "_"))
    .join("");
}

/** @throws MicrorunError `invalid_argument` for a name that no label of Go Micro's form can hold */
export function checkMicroName(service: string): void {
  const name = microName(service);
  if (name === "") throw refused("service name", service, "it is empty");
  if (name.length > maxMicroNameBytes)
    throw refused(
      "service name",
      service,
      `${name.length} bytes, where a label has room for ${maxMicroNameBytes}`,
    );
  if (!/^[A-Za-z0-9]$|^[A-Za-z0-9].*[A-Za-z0-9]$/.test(name))
    throw refused(
      "service name",
      service,
      `a label cannot hold ${name}, as it must begin and end with a letter or digit`,
    );
}

/** @throws MicrorunError `invalid_argument` for what cannot be a label's value */
export function checkLabelValue(what: string, value: string): void {
  if (value === "") throw refused(what, value, "it is empty");
  if (value.length > maxLabelBytes)
    throw refused(
      what,
      value,
      `${value.length} characters, where a label's value has at most ${maxLabelBytes}`,
    );
  if (!/^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$/.test(value))
    throw refused(
      what,
      value,
      "a label's value has letters, digits, - _ . and begins and ends with a letter or digit",
    );
}

/** An RFC 1123 label, as namespaces, containers and Services bear it. */
export function isLabel(text: string): boolean {
  return text.length <= maxLabelBytes && labelForm.test(text);
}

/** An RFC 1123 subdomain, as most other objects bear it; its parts may be longer than a label. */
export function isSubdomain(text: string): boolean {
  return text.length <= maxNameBytes && text.split(".").every((part) => labelForm.test(part));
}

/** Anything else has no place in a URL's path. */
export function isNamespace(text: string): boolean {
  return isLabel(text);
}

const flags: Readonly<Record<string, string>> = {
  "service name": "--server_name",
  "service version": "--server_version",
  "service id": "--server_id",
};

function refused(what: string, value: string, why: string): MicrorunError {
  return new MicrorunError("invalid_argument", `${what} ${value === "" ? '""' : value}: ${why}`, {
    hint: `choose another one with ${flags[what] ?? "the flag that sets it"}`,
  });
}
