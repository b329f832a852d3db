/** From what a module exports, in any of its forms, to a Definition. */
import { didYouMean } from "../errors.ts";
import { example, isClass, isPlain, kindOf, servicesIn, servicesOf, wrong } from "./handlers.ts";
import { type Definition, definitionMark } from "./service.ts";
import { checkSubscription } from "./subscriptions.ts";

export interface Module {
  readonly definition: Definition;
  /** Fields beside `fetch` that mean nothing here: `port` or `routes` of an app made for Bun. */
  readonly ignored: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;

interface Found {
  readonly fields: Fields;
  /** The `this` of its functions. */
  readonly self?: object;
  readonly ignored?: readonly string[];
}

const isFunction = (value: unknown): boolean => typeof value === "function";
const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** What at `path` is not what it should be. */
interface Fault {
  readonly path: string;
  readonly value: unknown;
  readonly wanted: string;
}
type Check = (value: unknown, path: string) => Fault | undefined;

const be =
  (test: (value: unknown) => boolean, wanted: string): Check =>
  (value, path) =>
    test(value) ? undefined : { path, value, wanted };
const hold =
  (check: Check): Check =>
  (value, path) =>
    isObject(value)
      ? Object.entries(value)
          .map(([key, inner]) => check(inner, `${path}.${key}`))
          .find((fault) => fault !== undefined)
      : { path, value, wanted: "an object" };

const isName = (value: unknown): boolean =>
  isText(value) && /^[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?$/.test(value as string);
const isPaths = (value: unknown): boolean => isText(value) || (Array.isArray(value) && value.every(isText));
const beFunction = be(isFunction, "a function");
const beMiddleware = be(
  (value) => Array.isArray(value) && value.every(isFunction),
  "a list of middleware, (next) => (call) => next(call)",
);
/** arktype's are functions. */
const isSchema = (value: unknown): boolean =>
  (isObject(value) || isFunction(value)) && isObject((value as Fields)["~standard"]);

const checks: Record<keyof Definition, Check> = {
  name: be(isName, "a name of letters, digits, dots and dashes"),
  version: be(isText, "a text"),
  metadata: hold(be((value) => typeof value === "string", "a text")),
  proto: be(isPaths, "a path or a list of paths"),
  handlers: be(isObject, "an object of services"),
  fetch: beFunction,
  middleware: beMiddleware,
  clientMiddleware: beMiddleware,
  websocket: be((value) => isObject(value) && isFunction(value.message), "an object with a function message"),
  config: be(isSchema, "a schema of zod, valibot, arktype or another of standardschema.dev"),
  subscribe: hold((value, path) => void checkSubscription(value, path)),
  health: (value, path) => (isFunction(value) ? undefined : hold(beFunction)(value, path)),
  start: beFunction,
  stop: beFunction,
  job: beFunction,
};
const definitionFields = Object.keys(checks);
const namedExports = definitionFields.filter((field) => field !== "handlers" && field !== "job");
/** What Bun.serve takes beside `fetch` and is an object of functions, too. */
const bunFields = new Set(["routes", "static"]);
/** One of these makes a module without a default export worth running. */
const useful = ["fetch", "subscribe", "start"];

/** @throws MicrorunError `invalid_argument`: what is wrong with the module, and what to do */
export function readModule(exports: Fields): Module {
  const value = unwrapped(exports.default);
  // many a module exports a `config` of its own
  const named = pick(isSchema(exports.config) ? exports : { ...exports, config: undefined }, namedExports);
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
  const service = ignored.find((key) => !bunFields.has(key) && holdsFunctionsAlone(app[key]));
  if (service !== undefined) {
    throw wrong(
      `${service} is not served: an object with fetch is a web service`,
      `put services under handlers:  { handlers: { ${service}: … }, fetch }`,
    );
  }
  return { fields: withServices(pick(app, definitionFields)), self: app, ignored };
}

function holdsFunctionsAlone(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length > 0 && hold(beFunction)(value, "") === undefined;
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
    if (!Object.hasOwn(checks, key)) return false;
    return key === "handlers"
      ? isObject(value) && Object.values(value).some(isObject)
      : hold(beFunction)(value, key) !== undefined;
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
      // a schema may be a function: it is asked by what it bears
      typeof value === "function" && key !== "config" ? value.bind(self) : value,
    ]),
  );
}

function checked(fields: Fields): Definition {
  for (const [field, value] of Object.entries(fields)) {
    const fault = checks[field as keyof Definition](value, field);
    if (fault === undefined) continue;
    const shown = typeof fault.value === "string" ? JSON.stringify(fault.value) : kindOf(fault.value);
    throw wrong(`${fault.path} is ${shown}, not ${fault.wanted}`, `make ${fault.path} ${fault.wanted}`);
  }
  return fields as Definition;
}

function pick(object: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.filter((name) => object[name] !== undefined).map((name) => [name, object[name]]),
  );
}

/** CommonJS says `exports.default = …`. */
function unwrapped(value: unknown): unknown {
  if (!isObject(value) || !Object.hasOwn(value, "default") || value.default === value) return value;
  const others = Object.keys(value).filter((key) => key !== "default");
  const exported = value.__esModule === true || others.every((key) => namedExports.includes(key));
  return exported ? unwrapped(value.default) : value;
}
