/**
 * Writes `docs/api.txt`: every name that the package exports, with its signature, so that a review sees what a change
 * does to them. Comments and private members are left out. A unit test fails where the file is out of date.
 */
import { writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
export const API_FILE = join(root, 'docs/api.txt');

const HEADER = 'What nestjs-dispatcher exports. Made by `npm run api`; a difference is a change that its users see.\n';

/** What follows the package's name in an import, and where it comes from. */
const ENTRIES = [['', 'lib/index.ts'], ['/contract-suites', 'lib/contract-suites/index.ts'], ['/dashboard', 'lib/dashboard/index.ts'], ['/s3', 'lib/s3/index.ts'], ['/terminus', 'lib/terminus/index.ts'], ['/opentelemetry', 'lib/opentelemetry/index.ts'], ['/messagepack', 'lib/marshallers/messagepack.ts'], ['/cbor', 'lib/marshallers/cbor.ts'], ['/outbox', 'lib/outbox/index.ts'], ['/prometheus', 'lib/prometheus/index.ts'], ['/testing', 'lib/testing/index.ts'], ['/testing/jest', 'lib/testing/jest.ts'], ['/testing/vitest', 'lib/testing/vitest.mts']];

/** The text of the file, from the sources. */
export function publicApi() {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const program = ts.createProgram(ENTRIES.map(([, entry]) => join(root, entry)), { ...options, declaration: true, sourceMap: false, noEmit: false });
  const emitted = new Map();
  const parts = ENTRIES.map(([path, entry]) => [...(path === '' ? [] : [`\nFrom nestjs-dispatcher${path}:\n`]), ...exportsOf(program, join(root, entry), emitted)]);
  return [HEADER, ...parts.flat()].join('\n') + '\n';
}

function exportsOf(program, entry, emitted) {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry));
  const texts = checker.getExportsOfModule(module).map((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const file = symbol.declarations[0].getSourceFile();
    if (!emitted.has(file)) emitted.set(file, declarationsOf(program, file));
    const text = emitted.get(file).filter((statement) => namesOf(statement).includes(symbol.name)).map(print).join('\n');
    if (text === '') throw new Error(`No declaration of "${exported.name}" in what is emitted of ${file.fileName}.`);
    return [exported.name, exported.name === symbol.name ? text : `export { ${symbol.name} as ${exported.name} };\n${text}`];
  });
  return texts.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text);
}

function declarationsOf(program, file) {
  let text = '';
  // The last parameter: without checking the file first, which is what `tsc` is for.
  program.emit(file, (_, written) => { text = written; }, undefined, true, undefined, true);
  return ts.createSourceFile('emitted.d.ts', text, ts.ScriptTarget.Latest, true).statements;
}

function namesOf(statement) {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText());
  return statement.name === undefined ? [] : [statement.name.getText()];
}

const printer = ts.createPrinter({ removeComments: true });

function print(statement) {
  return printer.printNode(ts.EmitHint.Unspecified, withoutPrivate(statement), statement.getSourceFile());
}

function withoutPrivate(statement) {
  if (!ts.isClassDeclaration(statement)) return statement;
  const members = statement.members.filter((member) => !member.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword));
  return ts.factory.updateClassDeclaration(statement, statement.modifiers, statement.name, statement.typeParameters, statement.heritageClauses, members);
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) writeFileSync(API_FILE, publicApi());
