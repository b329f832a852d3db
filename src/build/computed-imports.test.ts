import { describe, expect, test } from "bun:test";
import { computedImports } from "./computed-imports.ts";

const texts = (source: string) => computedImports(source).map(({ line, text }) => `${line}: ${text}`);

describe("computedImports", () => {
  test("an import of a name is found with its line", () => {
    expect(texts('import a from "./a.ts";\nconst b = await import(name);')).toEqual(["2: import(name)"]);
    const call = `require(\`./\${x}.js\`)`;
    expect(texts(call)).toEqual([`1: ${call}`]);
  });

  test("an import of a fixed text is none", () => {
    expect(
      texts('import("./a.ts"); require(\'b\'); import(`./c.ts`); import("./d.json", { with: {} })'),
    ).toEqual([]);
    expect(texts("const require = createRequire(import.meta.url); type A = typeof import('a');")).toEqual([]);
  });

  test("comments and texts are no code", () => {
    expect(
      texts("// import(name)\n/* require(name) */\nconst a = \"import(name)\", b = 'import(x)';"),
    ).toEqual([]);
    expect(texts('const url = "http://x"; import(name)')).toEqual(["1: import(name)"]);
  });

  test("a worker is told, a method of that name is not", () => {
    expect(texts('new Worker(new URL("./w.ts", import.meta.url))')).toEqual([
      '1: new Worker(new URL("./w.ts", import.meta…',
    ]);
    expect(texts("loader.import(name); loader.require(name)")).toEqual([]);
  });
});
