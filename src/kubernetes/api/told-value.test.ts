import { expect, test } from "bun:test";
import { withoutObjects } from "./told-value.ts";

test.each([
  [
    'spec.template: Invalid value: {"env":[{"name":"A","value":"se}c\\"ret"}]}: field is immutable',
    "spec.template: field is immutable",
  ],
  [
    '[a: Invalid value: core.PodSpec{Env:map[string]string{"A":"secret"}, X:(*int)(nil)}: no, b: Invalid value: v1.X{}: never]',
    "[a: no, b: never]",
  ],
  ['a: Invalid value: {"env":"secret', "a: "],
  ['a: Invalid value: {"env":{"b":"}"} secret', "a: "],
  ['spec.schedule: Invalid value: "61 * * * *": no', 'spec.schedule: Invalid value: "61 * * * *": no'],
])("of %s no object is told", (message, told) => {
  expect(withoutObjects(message)).toBe(told);
});
