/** Writes src/cli/microrun.d.ts.txt: the declarations of src/mod.ts in one file, which `microrun types` hands out. */
import { join } from "node:path";
import ts from "typescript";

const root = join(import.meta.dir, "..");
export const typesFile: string = join(root, "src/cli/microrun.d.ts.txt");

/** The declarations that the public face reaches, each once; what it does not name itself stays inside. */
export function publicTypes(): string {
  const face = join(root, "src/mod.ts");
  const emitted = emitDeclarations(face);
  const declarations = new Map<string, ts.Statement>();
  for (const [file, source] of emitted) {
    for (const statement of source.statements) {
      const name = declaredName(statement);
      if (name === undefined) continue;
      if (declarations.has(name)) throw new Error(`${name}: declared twice, the second time in ${file}`);
      declarations.set(name, statement);
    }
  }
  const exported = exportedNames(emitted.get(face)!);
  const reached = new Set<string>();
  const reach = (name: string): void => {
    const statement = declarations.get(name);
    if (statement === undefined || reached.has(name)) return;
    reached.add(name);
    for (const other of identifiers(statement)) reach(other);
  };
  for (const name of exported) reach(name);

  const texts = [...declarations]
    .filter(([name]) => reached.has(name))
    .map(([, statement]) => declarationText(statement));
  const head = "/** Types of the microrun executable, written by `microrun types`. */";
  return `${[head, ...texts, `export { ${exported.sort().join(", ")} };`].join("\n\n")}\n`;
}

function emitDeclarations(face: string): Map<string, ts.SourceFile> {
  const { config } = ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  const program = ts.createProgram([face], { ...options, noEmit: false, emitDeclarationOnly: true });
  const emitted = new Map<string, ts.SourceFile>();
  program.emit(undefined, (name, text, _, __, sources) => {
    const source = ts.createSourceFile(name, text, ts.ScriptTarget.ESNext, true);
    emitted.set(sources?.[0]?.fileName ?? name, source);
  });
  return emitted;
}

function declaredName(statement: ts.Statement): string | undefined {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0]?.name.getText();
  const named =
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isFunctionDeclaration(statement);
  return named ? statement.name?.text : undefined;
}

function exportedNames(face: ts.SourceFile): string[] {
  return face.statements.flatMap((statement) => {
    if (!ts.isExportDeclaration(statement)) return declaredName(statement) ?? [];
    const { exportClause } = statement;
    return exportClause !== undefined && ts.isNamedExports(exportClause)
      ? exportClause.elements.map(({ name }) => name.text)
      : [];
  });
}

function identifiers(node: ts.Node): string[] {
  const own = ts.isIdentifier(node) ? [node.text] : [];
  const below: string[] = [];
  node.forEachChild((child) => {
    below.push(...identifiers(child));
  });
  return [...own, ...below];
}

/** With its comment, without its `export`: a list at the end says what is public. */
function declarationText(statement: ts.Statement): string {
  const comments = ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc);
  const comment = comments.at(-1)?.getText();
  const text = statement
    .getText()
    .replace(/^export /, "")
    .replace(/^(?=(const|function|class) )/, "declare ");
  return comment === undefined ? text : `${comment}\n${text}`;
}

if (import.meta.main) await Bun.write(typesFile, publicTypes());
