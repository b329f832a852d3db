/** The module's `subscribe`: read, and put into effect. */
import type { Broker, SubscribeOptions } from "../broker/broker.ts";
import { didYouMean } from "../errors.ts";
import type { Log } from "../log.ts";
import { kindOf, wrong } from "./handlers.ts";
import type { Definition, Subscription } from "./service.ts";

const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isCount = (value: unknown): boolean => Number.isInteger(value) && (value as number) >= 1;
const isTime = (value: unknown): boolean => typeof value === "number" && value >= 0;
const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

type Rule = readonly [test: (value: unknown) => boolean, wanted: string];

const rules: Readonly<Record<keyof Subscription, Rule>> = {
  handler: [(value) => typeof value === "function", "a function"],
  queue: [(value) => value === false || isText(value), "a name or false"],
  concurrency: [isCount, "a whole number from 1"],
  ack: [(value) => value === "auto" || value === "manual", "auto or manual"],
  ackTimeoutMs: [isTime, "a number of milliseconds"],
  retry: [isObject, "an object of attempts and backoffMs"],
  deadLetter: [isText, "a topic"],
  type: [(value) => isText(value) || isObject(value), "a protobuf message's full name"],
};
const retryRules: Readonly<Record<string, Rule>> = {
  attempts: rules.concurrency,
  backoffMs: rules.ackTimeoutMs,
};

/** @throws MicrorunError `invalid_argument`: what is wrong with a subscription, and what to do */
export function checkSubscription(value: unknown, path: string): void {
  if (typeof value === "function") return;
  if (!isObject(value) || !("handler" in value))
    throw wrong(
      `${path} is ${kindOf(value)}, not a function or an object with a handler`,
      `write it so:  { handler: (payload) => { … }, concurrency: 4 }`,
    );
  checkFields(value, rules, path);
  if ("retry" in value && isObject(value.retry)) checkFields(value.retry, retryRules, `${path}.retry`);
}

/** Disposing it ends all of them at once. @throws MicrorunError for one that the broker refuses; none is left then */
export async function subscribeAll(
  broker: Broker,
  subscribe: NonNullable<Definition["subscribe"]>,
  service: string,
  log: Log,
): Promise<AsyncDisposable> {
  const begun: AsyncDisposable[] = [];
  const all = {
    async [Symbol.asyncDispose]() {
      await Promise.all(begun.map((one) => one[Symbol.asyncDispose]()));
    },
  };
  try {
    for (const [topic, given] of Object.entries(subscribe)) {
      const {
        handler,
        queue = service,
        ...rest
      }: Subscription = typeof given === "function" ? { handler: given } : given;
      const options: SubscribeOptions = queue === false ? rest : { ...rest, queue };
      begun.push(await broker.subscribe(topic, handler, options));
      log.info(`Subscribed [${broker.name}] to ${topic}`);
    }
    return all;
  } catch (error) {
    await all[Symbol.asyncDispose]();
    throw error;
  }
}

function checkFields(value: object, known: Readonly<Record<string, Rule>>, path: string): void {
  for (const [name, field] of Object.entries(value)) {
    const rule = Object.hasOwn(known, name) ? known[name] : undefined;
    if (rule === undefined)
      throw wrong(
        `${path}.${name} means nothing${didYouMean(name, Object.keys(known))}`,
        `use ${Object.keys(known).join(", ")}`,
      );
    const [test, wanted] = rule;
    if (field === undefined || test(field)) continue;
    const shown = typeof field === "string" ? JSON.stringify(field) : kindOf(field);
    throw wrong(`${path}.${name} is ${shown}, not ${wanted}`, `make ${path}.${name} ${wanted}`);
  }
}
