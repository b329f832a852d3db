import { expect, test } from "bun:test";
import { factsIn, isFunction, subscribes } from "./module-facts.ts";

test.each([
  [
    "export const name = 'seller';\nexport const version: string = `1.2`;",
    { name: "seller", version: "1.2" },
  ],
  [
    'export default service({ name: "seller", version: "2", handlers: {} })',
    { name: "seller", version: "2" },
  ],
  ['export default service<Schema>({\n  proto: "x",\n  "name": "seller",\n})', { name: "seller" }],
  // of something else
  ['export default service({ handlers: { A: { B: () => ({ name: "reply" }) } } })', {}],
  ['const options = { name: "x" };\nconst name = "y";', {}],
  ['// export const name = "old";\n/* service({ name: "old" }) */', {}],
  ['export default service({ handlers: { A: "}" , B: { name: "in" } }, name: "out" })', { name: "out" }],
  // known when it runs
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the text of a module
  ["export const name = `${prefix}seller`;", {}],
  ["export const name = process.env.NAME ?? 'x';", {}],
  ["export const name = '';", {}],
  ['export const version = "1." + build;', {}],
  ['export const name = "a"\n  + b', {}],
  ['export const name = "a"\nexport const version = "2" as const', { name: "a", version: "2" }],
])("of %j the literals are known", (text, facts) => {
  expect(factsIn(text)).toEqual(facts);
});

test.each([
  "export default async ({ signal }) => { await work(signal); };",
  "export default async function worker(context) {}",
  "export default function* () {}",
  "export default (context: Context): Promise<void> => loop(context)",
  "export default context => loop(context)",
  "export default (async ({ a = (1) }) => {}) satisfies Worker;",
  "/** text */\nconst worker: (c: Context) => Promise<void> = async (c) => {};\nexport default worker;",
  "async function worker() {}\nexport default worker\n",
  "const worker = async () => {};\nexport { worker as default };",
  'export default service({ name: "x", job: async () => {} })',
  'export default service({ name: "x", async job(context) { await 1; } })',
  "export default service({ name, job })",
])("%j is a function", (text) => {
  expect(isFunction(text)).toBe(true);
});

test.each([
  "export default { Greeter: { Hello: ({ name }) => ({ name }) } };",
  "export default class Greeter { Hello() {} }",
  "export default new Hono();",
  "const app = new Hono();\napp.get('/', (c) => c.text('x'));\nexport default app;",
  "export default [new A()]",
  "export default service({ handlers: { job: { run: () => 1 } } })",
  "export default (new App())",
  "// export default () => {}\nexport const fetch = () => new Response();",
  "const text = 'export default () => {}';\nexport default { A: {} };",
  "const greeter = { Hello: () => 1 };\nexport default greeter;",
  "",
])("%j is none", (text) => {
  expect(isFunction(text)).toBe(false);
});

test.each([
  ["export const subscribe = { orders: () => {} };", true],
  ["export default service({ name: 'x', subscribe: { orders } })", true],
  ["const subscribe = {}; export default service({ subscribe, handlers })", true],
  ["export default { Mail: { Subscribe: () => ({}) } }", false],
  ["// subscribe: later\nexport default { A: { b: ({ broker }) => broker.subscribe('x', f) } }", false],
])("of %j it is known whether it subscribes", (text, answer) => {
  expect(subscribes(text)).toBe(answer);
});
