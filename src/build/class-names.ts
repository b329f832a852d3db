/** The names of classes, which the bundler changes where two of its files use one: services are named by them. */
import { basename, extname } from "node:path";

const name = String.raw`[\p{ID_Start}$_][\p{ID_Continue}$]*`;
const named = new RegExp(`^(?:export )?(?:default )?class (?!extends\\b)(${name})`, "gmu");
const bound = new RegExp(
  `^(?:export )?(?:const|let|var) (${name}) = class\\b(?: (?!extends\\b)(${name}))?`,
  "gmu",
);
const nameless = /^export default class(?= extends\b|\s*\{)/m;

/** The `microrunNamed` of what follows: a class that names itself by a static field keeps to it. */
export const namedFunction = `microrunNamed = (made, name) => {
  const own = typeof made === "function" && Object.getOwnPropertyDescriptor(made, "name");
  if (own && typeof own.value === "string" && !own.writable) Object.defineProperty(made, "name", { ...own, value: name });
}`;

/** @returns code to stand behind that of the file `path`: it names the classes of its outermost scope as they are written */
export function namesKept(path: string, code: string): string {
  const plain = inPlainForm(path, code);
  const names = new Map<string, string>();
  for (const [, own] of plain.matchAll(named)) names.set(own!, own!);
  for (const [, variable, own] of plain.matchAll(bound)) names.set(variable!, own ?? variable!);
  const lines = [...names].map(
    // what only looks like a class, in a text, is not there
    ([made, own]) => `microrunNamed(typeof ${made} === "undefined" ? 0 : ${made}, ${JSON.stringify(own)});`,
  );
  if (nameless.test(plain))
    lines.push(
      `import { default as microrunNameless } from ${JSON.stringify(`./${basename(path)}`)};`,
      `microrunNamed(microrunNameless, "default");`,
    );
  return lines.length === 0 ? "" : `\n;${lines.join(" ")}`;
}

/** The default export is a class, and the service has no name by it. */
export function isNameless(path: string, code: string): boolean {
  return nameless.test(inPlainForm(path, code));
}

/** As JavaScript, each statement of the outermost scope on a line of its own. What is no code is the bundler's to complain of. */
function inPlainForm(path: string, code: string): string {
  if (!/\bclass\b/.test(code)) return "";
  const [, typed, x] = /^\.[cm]?([jt])s(x?)$/.exec(extname(path)) ?? [];
  const loader = typed === "t" ? (x === "x" ? "tsx" : "ts") : "jsx";
  try {
    const tsconfig = JSON.stringify({ compilerOptions: { experimentalDecorators: true } });
    return new Bun.Transpiler({ loader, tsconfig }).transformSync(code);
  } catch {
    return "";
  }
}
