import { describe, expect, test } from "bun:test";
import { isNameless, namedFunction, namesKept } from "./class-names.ts";

const named = (code: string) =>
  [...namesKept("/x.ts", code).matchAll(/: (\S+), ("\w+")\)/g)].map(([, made, own]) => `${made} ${own}`);

describe("namesKept", () => {
  test("classes of the outermost scope are named as they are written", () => {
    expect(named("export class A {} export default class B extends A {} abstract class C<T> {}")).toEqual([
      'A "A"',
      'B "B"',
      'C "C"',
    ]);
    expect(named("export const D = class {}; let E = class F extends D {};")).toEqual(['D "D"', 'E "F"']);
    expect(named("@tag class G { @tag m(@tag x: string) {} }")).toEqual(['G "G"']);
  });

  test("what is no such class is left alone", () => {
    expect(namesKept("/x.ts", "declare class A {} function f() { class B {} } // class C {}")).toBe("");
    expect(namesKept("/x.ts", "class {{")).toBe("");
    expect(namesKept("/x.ts", "const a = 1;")).toBe("");
  });

  test("a default class without a name has none", () => {
    expect(namesKept("/a/x.ts", "export default class { }")).toContain(
      "import { default as microrunNameless }",
    );
    expect(isNameless("/x.ts", "export default class extends A { }")).toBe(true);
    expect(isNameless("/x.ts", "export default class A { }")).toBe(false);
  });

  test("a class that names itself by a static field keeps to it", () => {
    const name = new Function(`var ${namedFunction}; return microrunNamed;`)() as (
      made: unknown,
      name: string,
    ) => void;
    class Own {
      static readonly name = "mine";
      greet(): void {}
    }
    class Plain {}
    for (const made of [Own, Plain, 0, undefined]) name(made, "Given");
    expect([Own.name, Plain.name]).toEqual(["mine", "Given"]);
  });
});
