/** Headers that become the platform's own only where more is wanted than values by name: making those, and walking them, costs as much as a call. */

/** Where the fields are until then. Names are in lower case. */
export interface FieldSource<S> {
  readonly get: (fields: S, name: string) => string | null;
  /** Each name once. */
  readonly each: (fields: S, tell: (name: string, value: string) => void) => void;
  /** Absent: they are not ours to change. */
  readonly set?: (fields: S, name: string, value: string) => void;
}

export function lazyHeaders<S>(fields: S, source: FieldSource<S>): Headers {
  return new LazyHeaders(fields, source as FieldSource<unknown>) as object as Headers;
}

/** Empty, to be filled. */
export function ownHeaders(): Headers {
  return lazyHeaders<string[]>([], own);
}

/** Tells of each field, without making headers for it. */
export function eachHeader(headers: Headers, tell: (name: string, value: string) => void): void {
  if (headers instanceof LazyHeaders) headers.each(tell);
  else for (const [name, value] of headers) tell(name, value);
}

/** Names and values in turn. Few are set: to look through them costs less than a Map. */
const own: FieldSource<string[]> = {
  get(fields, name) {
    const at = indexOf(fields, name);
    return at < 0 ? null : fields[at + 1]!;
  },
  each(fields, tell) {
    for (let i = 0; i < fields.length; i += 2) tell(fields[i]!, fields[i + 1]!);
  },
  set(fields, name, value) {
    const at = indexOf(fields, name);
    if (at < 0) fields.push(name, value);
    else fields[at + 1] = value;
  },
};

function indexOf(fields: readonly string[], name: string): number {
  for (let i = 0; i < fields.length; i += 2) if (fields[i] === name) return i;
  return -1;
}

/** What needs no look at the rules: the platform's own headers refuse or trim the rest. */
const plainName = /^[\w.-]+$/;
const plainValue = /^(?:[!-~](?:[ -~]*[!-~])?)?$/;

class LazyHeaders {
  readonly #fields: unknown;
  readonly #source: FieldSource<unknown>;
  #native: Headers | undefined = undefined;

  constructor(fields: unknown, source: FieldSource<unknown>) {
    this.#fields = fields;
    this.#source = source;
  }

  get(name: string): string | null {
    if (this.#native !== undefined) return this.#native.get(name);
    return this.#source.get(this.#fields, `${name}`.toLowerCase());
  }

  has(name: string): boolean {
    return this.get(name) !== null;
  }

  set(name: string, value: string): void {
    const { set } = this.#source;
    if (this.#native !== undefined || set === undefined || !plainName.test(name) || !plainValue.test(value))
      this.native().set(name, value);
    else set(this.#fields, name.toLowerCase(), `${value}`);
  }

  append(name: string, value: string): void {
    if (this.#native === undefined && !this.has(name)) this.set(name, value);
    else this.native().append(name, value);
  }

  each(tell: (name: string, value: string) => void): void {
    if (this.#native !== undefined) for (const [name, value] of this.#native) tell(name, value);
    else this.#source.each(this.#fields, tell);
  }

  native(): Headers {
    if (this.#native === undefined) {
      const native = new Headers();
      this.#source.each(this.#fields, (name, value) => native.append(name, value));
      this.#native = native;
    }
    return this.#native;
  }

  [Symbol.iterator](): Iterator<[string, string]> {
    return this.native().entries();
  }

  [Symbol.for("nodejs.util.inspect.custom")](): Headers {
    return this.native();
  }
}

/** What remains of what headers can: done by the platform's own. */
for (const name of ["delete", "entries", "keys", "values", "forEach", "getSetCookie", "toJSON", "getAll"])
  Object.defineProperty(LazyHeaders.prototype, name, {
    value(this: LazyHeaders, ...given: unknown[]) {
      const native = this.native();
      return (Reflect.get(native, name) as (...given: unknown[]) => unknown).apply(native, given);
    },
  });
Object.setPrototypeOf(LazyHeaders.prototype, Headers.prototype);
