/** Methods as options name them: `Greeter.Hello`, `greeter.Greeter.Hello`, `Greeter.*`. */
import type { Call, Method } from "../call.ts";
import { didYouMean, usageError } from "../errors.ts";

/** The value of a method, if it has one. */
export type ByMethod<T> = (call: Call) => T | undefined;

const wanted = /^(?:[A-Za-z_]\w*\.)+(?:[A-Za-z_]\w*|\*)$/;

/**
 * A full name wins over a short one, and both over `*`.
 * @param known what there is. Absent: nobody knows
 * @throws MicrorunError `invalid_argument` for a name that is none, or no method's
 */
export function byMethod<T>(table: Readonly<Record<string, T>>, known?: readonly Method[]): ByMethod<T> {
  const names = Object.keys(table);
  if (names.length === 0) return () => undefined;
  for (const name of names) check(name, known);
  const entries = new Map(Object.entries(table));
  const find = (service: string, method: string): T | undefined => {
    const short = service.slice(service.lastIndexOf(".") + 1);
    const found = namesOf(service, short, method).find((name) => entries.has(name));
    return found === undefined ? undefined : entries.get(found);
  };
  const found = new WeakMap<Method, { readonly value: T | undefined }>();
  return ({ type, service, method }) => {
    if (type === undefined) return find(service, method);
    let one = found.get(type);
    if (one === undefined) {
      one = { value: find(type.service, type.name) };
      found.set(type, one);
    }
    return one.value;
  };
}

function namesOf(service: string, short: string, method: string): readonly string[] {
  return [`${service}.${method}`, `${short}.${method}`, `${service}.*`, `${short}.*`];
}

function check(name: string, known: readonly Method[] | undefined): void {
  if (!wanted.test(name))
    throw usageError(
      `${JSON.stringify(name)}: not a method`,
      "write it as Greeter.Hello, or as Greeter.* for all of a service",
    );
  if (known === undefined) return;
  const short = (service: string): string => service.slice(service.lastIndexOf(".") + 1);
  const meant = known.some(({ service, name: method }) =>
    namesOf(service, short(service), method).includes(name),
  );
  if (meant) return;
  const all = known.map(({ service, name: method }) => `${short(service)}.${method}`);
  throw usageError(`${name}: no such method${didYouMean(name, all)}`, `use one of ${all.join(", ")}`);
}
