import { expect, test } from "bun:test";
import { factsIn } from "./module-facts.ts";

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
