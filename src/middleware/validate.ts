/** `validate`: requests that are not as they have to be never reach a handler. */
import type { Call, Dispatch } from "../call.ts";
import type { StandardIssue, StandardResult, StandardSchema } from "../config/config.ts";
import { MicrorunError, usageError, type Violation } from "../errors.ts";
import { isStream } from "../iteration.ts";
import { changedCall } from "./changed-call.ts";
import { live } from "./live.ts";
import { byMethod } from "./method-names.ts";
import type { Layer, Surroundings } from "./middleware.ts";
import type { Kind, Kinds } from "./option-kinds.ts";

/** Schemas of requests by method: `{ "Greeter.Hello": z.object({ name: z.string().min(1) }) }`. */
export type RequestSchemas = Readonly<Record<string, StandardSchema>>;

/** @returns what the handler gets. @throws MicrorunError `invalid_argument` */
type Check = (request: unknown) => unknown;

const rulesFile = "buf/validate/validate.proto";
/** The longest list of what is wrong. */
const maxViolations = 100;

const schema: Kind = {
  wanted: "a schema of zod, valibot, arktype or another of standardschema.dev",
  holds: (value) =>
    ((typeof value === "object" && value !== null) || typeof value === "function") && "~standard" in value,
};

/**
 * Answers `invalid_argument` with each fault (google.rpc.BadRequest). Of a stream each message is looked at when it is read.
 * @param schemas what the handler gets is what its schema makes of the request. @default the `buf.validate` rules of the `.proto`
 */
export function validate(schemas?: RequestSchemas): Layer {
  return schemas === undefined ? byRules() : bySchemas(schemas);
}

function bySchemas(schemas: RequestSchemas): Layer {
  const table = Object.fromEntries(
    Object.keys(schemas).map((name) => [name, schema]),
  ) as Kinds<RequestSchemas>;
  const held = live("validate", table, schemas, (given, around) => byMethod(given, around?.methods));
  return (next, around) => {
    const schemaOf = held(around);
    return checked(next, (call) => {
      const own = schemaOf(call);
      return own && ((request) => conform(own, request));
    });
  };
}

function byRules(): Layer {
  let checkOf: ((call: Call) => Check | undefined) | undefined;
  const layer: Layer = (next) =>
    checked(next, (call) => {
      if (checkOf === undefined)
        throw new MicrorunError("failed_precondition", "middleware validate: its rules are not loaded", {
          hint: "await its ready(surroundings) first",
        });
      return checkOf(call);
    });
  const ready = async (around: Surroundings): Promise<void> => {
    checkOf = await rulesOf(around);
  };
  return Object.assign(layer, { ready });
}

async function rulesOf({
  methods = [],
  files = () => [],
}: Surroundings): Promise<(call: Call) => Check | undefined> {
  const all = files();
  if (!all.some(({ name }) => name === rulesFile))
    throw usageError(
      `middleware validate: no .proto imports ${rulesFile}`,
      'write rules there, or give schemas:  validate({ "Greeter.Hello": z.object({ … }) })',
    );
  const { protoChecks } = await import("./proto-rules.ts");
  const checkOf = protoChecks(
    all,
    methods.map(({ request }) => request),
  );
  return ({ type }) => {
    const check = type && checkOf(type.request);
    if (check === undefined) return undefined;
    return (request) => {
      const violations = check(request);
      if (violations.length > 0) throw refusal(violations);
      return request;
    };
  };
}

function checked(next: Dispatch, checkOf: (call: Call) => Check | undefined): Dispatch {
  return async (call) => {
    const check = checkOf(call);
    if (check === undefined) return next(call);
    const { request } = call;
    const good = isStream(request) ? each(request, check) : await check(request);
    return next(good === request ? call : changedCall(call, { request: good }));
  };
}

async function* each(requests: AsyncIterable<unknown>, check: Check): AsyncGenerator<unknown> {
  for await (const request of requests) yield await check(request);
}

function conform(schema: StandardSchema, request: unknown): unknown {
  const taken = (result: StandardResult<unknown>): unknown => {
    if (result.issues === undefined) return result.value;
    throw refusal(result.issues.map((issue) => ({ field: pathOf(issue), description: issue.message })));
  };
  const result = schema["~standard"].validate(request);
  return result instanceof Promise ? result.then(taken) : taken(result);
}

function pathOf({ path = [] }: StandardIssue): string {
  let text = "";
  for (const part of path) {
    const key = typeof part === "object" ? part.key : part;
    if (typeof key === "number") text += `[${key}]`;
    else text += text === "" ? String(key) : `.${String(key)}`;
  }
  return text;
}

/** The first fault is told in the message, for those who read no details. */
function refusal(violations: readonly Violation[]): MicrorunError {
  const [first] = violations;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : "";
  const text = first === undefined ? "" : [first.field, first.description].filter(Boolean).join(": ");
  return new MicrorunError("invalid_argument", `${text}${more}`, {
    reason: "INVALID_REQUEST",
    violations: violations.slice(0, maxViolations),
  });
}
