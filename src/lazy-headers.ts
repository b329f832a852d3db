/** Headers that become the platform's own only where more is wanted than values by name: making those, and walking them, costs as much as a call. */

/** Where the fields are until then. Names are in lower case. */
export interface FieldSource<S> {
  readonly get: (fields: S, name: string) => string | null;
  /** Each name once. */
  readonly entries: (fields: S) => Iterable<readonly [name: string, value: string]>;
  /** Absent: they are not ours to change. */
  readonly set?: (fields: S, name: string, value: string) => void;
}

export function lazyHeaders<S>(fields: S, source: FieldSource<S>): Headers {
  return new LazyHeaders(fields, source as FieldSource<unknown>) as object as Headers;
}

/** Empty, to be filled. */
export function ownHeaders(): Headers {
  return lazyHeaders(new Map(), own);
}

/** Names and values, without making headers for it. */
export function headerEntries(headers: Headers): Iterable<readonly [name: string, value: string]> {
  return headers instanceof LazyHeaders ? headers.fields() : headers;
}

const own: FieldSource<Map<string, string>> = {
  get: (fields, name) => fields.get(name) ?? null,
  entries: (fields) => fields,
  set: (fields, name, value) => void fields.set(name, value),
};

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

  fields(): Iterable<readonly [name: string, value: string]> {
    return this.#native ?? this.#source.entries(this.#fields);
  }

  native(): Headers {
    if (this.#native === undefined) {
      this.#native = new Headers();
      for (const [name, value] of this.#source.entries(this.#fields)) this.#native.append(name, value);
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
