/** From what a module exports, in any of its forms, to a Definition. */
import { didYouMean } from "../errors.ts";
import { example, isClass, isPlain, kindOf, servicesIn, servicesOf, wrong } from "./handlers.ts";
import { type Definition, definitionMark } from "./service.ts";

export interface Module {
  readonly definition: Definition;
  /** Fields beside `fetch` that mean nothing here: `port` or `websocket` of an app made for Bun. */
  readonly ignored: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

interface Found {
  readonly fields: Fields;
  /** The `this` of its functions. */
  readonly self?: object;
  readonly ignored?: readonly string[];
}

const isFunction = (value: unknown) => typeof value === "function";
const isText = (value: unknown) => typeof value === "string" && value !== "";
const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const holds = (test: (value: unknown) => boolean) => (value: unknown) =>
  isObject(value) && Object.values(value).every(test);

/** What each field must be, and what to call that. */
const kinds: Record<keyof Definition, { readonly is: (value: unknown) => boolean; readonly called: string }> =
  {
    name: {
      is: (value) => isText(value) && /^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/.test(value as string),
      called: "a name of letters, digits, dots and dashes",
    },
    version: { is: isText, called: "a text" },
    metadata: { is: holds((value) => typeof value === "string"), called: "an object of texts" },
    proto: {
      is: (value) => isText(value) || (Array.isArray(value) && value.every(isText)),
      called: "a path or a list of paths",
    },
    handlers: { is: isObject, called: "an object of services" },
    fetch: { is: isFunction, called: "a function" },
    subscribe: { is: holds(isFunction), called: "an object of functions" },
    health: {
      is: (value) => isFunction(value) || holds(isFunction)(value),
      called: "a function or an object of functions",
    },
    start: { is: isFunction, called: "a function" },
    stop: { is: isFunction, called: "a function" },
    job: { is: isFunction, called: "a function" },
  };
const definitionFields = Object.keys(kinds);
const namedExports = definitionFields.filter((field) => field !== "handlers" && field !== "job");
/** One of these makes a module without a default export worth running. */
const useful = ["fetch", "subscribe", "start"];

/** @throws MicrorunError `failed_precondition`: what is wrong with the module, and what to do */
export function readModule(exports: Fields): Module {
  const value = unwrapped(exports.default);
  const named = pick(exports, namedExports);
  if (value === undefined && !useful.some((field) => field in named)) {
    throw wrong("it has no default export", `export an object of services:  ${example}`);
  }
  const { fields, self, ignored }: Found = value === undefined ? { fields: {} } : readDefault(value);
  for (const field of Object.keys(named)) {
    if (!(field in fields) || fields[field] === named[field]) continue;
    throw wrong(`${field} is exported by name and in the default export`, "remove one of them");
  }
  return { definition: checked({ ...named, ...bound(fields, self) }), ignored: ignored ?? [] };
}

function readDefault(value: unknown): Found {
  if (isClass(value)) return { fields: { handlers: servicesOf([value]) } };
  if (typeof value === "function") return { fields: { job: value } };
  if (Array.isArray(value)) return { fields: { handlers: servicesOf(value) } };
  if (!isObject(value) || value instanceof Promise) {
    const hint =
      value instanceof Promise
        ? "await it:  export default await …"
        : `export an object of services:  ${example}`;
    throw wrong(`its default export is ${kindOf(value)}`, hint);
  }
  if (isFunction(value.fetch) && !(definitionMark in value)) return readWeb(value);
  if (!isPlain(value)) return { fields: { handlers: servicesOf([value]) } };
  return definitionMark in value || looksDefined(value)
    ? readDefinition(value)
    : { fields: { handlers: servicesIn(value) } };
}

/** An app's own members (a Hono app has many) are not fields; those of an object literal may be. */
function readWeb(app: Fields): Found {
  if (!isPlain(app)) return { fields: pick(app, ["fetch"]), self: app };
  const ignored = Object.keys(app).filter((key) => !definitionFields.includes(key));
  return { fields: withServices(pick(app, definitionFields)), self: app, ignored };
}

function readDefinition(definition: Fields): Found {
  const stranger = Object.keys(definition).find((key) => !definitionFields.includes(key));
  if (stranger !== undefined) {
    const hint = isObject(definition[stranger])
      ? `put services under handlers:  { handlers: { ${stranger}: … } }`
      : `use one of ${definitionFields.join(", ")}`;
    throw wrong(`${stranger} is not a field of a service${didYouMean(stranger, definitionFields)}`, hint);
  }
  return { fields: withServices(pick(definition, definitionFields)), self: definition };
}

/** Without the mark of `service()`: something in it is a field's value and cannot be a service. */
function looksDefined(object: Fields): boolean {
  const certain = Object.entries(object).some(([key, value]) => {
    if (!Object.hasOwn(kinds, key)) return false;
    return key === "handlers"
      ? isObject(value) && Object.values(value).some(isObject)
      : !holds(isFunction)(value);
  });
  const unclear = certain ? undefined : ["subscribe", "health"].find((key) => key in object);
  if (unclear === undefined) return certain;
  throw wrong(
    `${unclear} could be a service or a field of one`,
    `say which:  import { service } from "microrun";  export default service({ ${unclear}: … })`,
  );
}

function withServices(fields: Fields): Fields {
  const { handlers } = fields;
  return isObject(handlers) ? { ...fields, handlers: servicesIn(handlers) } : fields;
}

function bound(fields: Fields, self: object | undefined): Fields {
  if (self === undefined) return fields;
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === "function" ? value.bind(self) : value,
    ]),
  );
}

function checked(fields: Fields): Definition {
  for (const [field, value] of Object.entries(fields)) {
    const kind = kinds[field as keyof Definition];
    if (kind.is(value)) continue;
    const shown = typeof value === "string" ? JSON.stringify(value) : kindOf(value);
    throw wrong(`${field} is ${shown}, not ${kind.called}`, `make ${field} ${kind.called}`);
  }
  return fields as Definition;
}

function pick(object: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.filter((name) => object[name] !== undefined).map((name) => [name, object[name]]),
  );
}

/** CommonJS made by a compiler says `exports.default = …`. */
function unwrapped(value: unknown): unknown {
  const compiled =
    isObject(value) && "default" in value && (value.__esModule === true || Object.keys(value).length === 1);
  return compiled ? unwrapped(value.default) : value;
}
