import { expect, test } from "bun:test";
import type { Built } from "./command.ts";
import { ownWords } from "./own-words.ts";

const built: Built = {
  name: "greeter",
  module: "/$bunfs/root/app/src/greeter.js",
  source: "greeter.ts",
  proto: [],
};

test("a command that the executable has is called by its name, others are microrun's", () => {
  const said = (text: string): string =>
    ownWords(text, built, { self: "./greeter", commands: ["run", "config"] });
  expect(said("see microrun run --help")).toBe("see ./greeter run --help");
  expect(said("write microrun config [module] or microrun config check")).toBe(
    "write ./greeter config [module] or ./greeter config check",
  );
  for (const text of ["microrun init writes a manifest", "use the microrun executable", "microrun runs it"])
    expect(said(text)).toBe(text);
});

test("sources are called as in traces, relative to the module's folder", () => {
  const text = `cannot load ${built.module}: /$bunfs/root/app/src/plugins/late.js:1:2: no`;
  expect(ownWords(text, built, { self: "$&", commands: ["run"] })).toBe(
    "cannot load greeter.ts: plugins/late.js:1:2: no",
  );
});
