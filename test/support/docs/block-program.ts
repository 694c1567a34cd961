import { join } from 'node:path';
import ts from 'typescript';
import { importedNames, mentioned, namesIn, unexportedNames, type CodeBlock } from './code-blocks.js';

const ROOT = process.cwd();
/** Where packages are found; nothing is written there. */
const FOLDER = join(ROOT, 'docs');

/** Where names come from that no block imports: the later ones win. */
const LIBRARIES = ['@nestjs/core', '@nestjs/common', 'nestjs-dispatcher'];

/** What every page may take for granted; for names that are no exports of {@link LIBRARIES}. */
const TAKEN_FOR_GRANTED: CodeBlock = {
  page: 'every page', line: 1, isPrelude: true, isRun: false, code: [
    "import { INestApplication } from '@nestjs/common';",
    "import { DispatcherService, ServerConfig } from 'nestjs-dispatcher';",
    'declare const app: INestApplication;',
    'declare const dispatcher: DispatcherService;',
    'declare const config: ServerConfig;',
  ].join('\n'),
};

/** Of packages that have none of their own. */
const DECLARATIONS = [join(ROOT, 'test/support/better-sqlite3.d.ts')];

interface Source { readonly block: CodeBlock; readonly file: string; readonly text: string }

/** What the compiler says of blocks, all of them in one program: `docs/delays.md:12: ...`. */
export function complaintsAbout(blocks: readonly CodeBlock[]): string[] {
  const sources = sourcesOf(blocks);
  const program = programOf(sources);
  return sources.flatMap(({ block, file }) => {
    const source = program.getSourceFile(file);
    if (source === undefined) throw new Error(`The compiler did not read ${file}.`);
    return [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)].map(({ start = 0, messageText }) => {
      // The first line has the imports.
      const line = block.line - 1 + source.getLineAndCharacterOfPosition(start).line;
      return `${block.page}:${line}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
    });
  });
}

/** A block as a module that Node can run: it has to import what it uses. */
export function asJavaScript({ code }: Pick<CodeBlock, 'code'>): string {
  return ts.transpileModule(code, { compilerOptions: { ...OPTIONS, module: ts.ModuleKind.ESNext, sourceMap: false } }).outputText;
}

const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) => ts.sys.readFile(path)) as { config: { compilerOptions: unknown } };
const OPTIONS: ts.CompilerOptions = {
  ...ts.convertCompilerOptionsFromJson(config.compilerOptions, ROOT).options,
  // The sources, not what was built of them; and what is imported for a block may be a type alone.
  noEmit: true, isolatedModules: false, declaration: false, paths: { 'nestjs-dispatcher': [join(ROOT, 'lib/index.ts')], 'nestjs-dispatcher/*': ['lib/*/index.ts', 'lib/*.ts', 'lib/*.mts'].map((source) => join(ROOT, source)) },
};

/** The files of packages, which are the same for each program. */
const parsed = new Map<string, ts.SourceFile | undefined>();

function programOf(sources: readonly Source[]): ts.Program {
  const texts = new Map(sources.map(({ file, text }) => [file, text]));
  const host = ts.createCompilerHost(OPTIONS);
  const { fileExists, readFile, getSourceFile } = host;
  host.fileExists = (file) => texts.has(file) || fileExists.call(host, file);
  host.readFile = (file) => texts.get(file) ?? readFile.call(host, file);
  host.getSourceFile = (file, options, ...rest) => {
    const text = texts.get(file);
    if (text !== undefined) return ts.createSourceFile(file, text, options, true);
    if (!parsed.has(file)) parsed.set(file, getSourceFile.call(host, file, options, ...rest));
    return parsed.get(file);
  };
  return ts.createProgram([...texts.keys(), ...DECLARATIONS], OPTIONS, host);
}

function sourcesOf(blocks: readonly CodeBlock[]): Source[] {
  const libraries = exportsOfLibraries();
  const known = new Map<string, Map<string, string>>();
  return [TAKEN_FOR_GRANTED, ...blocks].map((block, index) => {
    // ES modules: examples may wait at their top.
    const file = join(FOLDER, `block-${index}.mts`);
    const names = new Map([...libraries, ...known.get(TAKEN_FOR_GRANTED.page) ?? [], ...known.get(block.page) ?? []]);
    const imported = new Set(importedNames(block.code));
    const offered = namesIn(block.code).filter((name) => !imported.has(name) || !names.has(name));
    known.set(block.page, new Map([...known.get(block.page) ?? [], ...offered.map((name): [string, string] => [name, `./block-${index}.mjs`])]));
    return { block, file, text: moduleText(block, names) };
  });
}

/** The imports are one line, so that the compiler's lines are those of the page. */
function moduleText(block: CodeBlock, names: ReadonlyMap<string, string>): string {
  // What a page imports from a file of the reader's stands above it on the page.
  const code = block.code.replace(/^import .*? from '\.{1,2}\/.*?';$/gm, '');
  const own = new Set(namesIn(code));
  const imports = [...mentioned(code)].filter((name) => names.has(name) && !own.has(name)).map((name) => `import { ${name} } from '${names.get(name)}';`);
  return `${imports.join(' ')}\n${code}\nexport { ${unexportedNames(code).join(', ')} };\n`;
}

function exportsOfLibraries(): Map<string, string> {
  const file = join(FOLDER, 'libraries.mts');
  const program = programOf([{ block: TAKEN_FOR_GRANTED, file, text: LIBRARIES.map((library) => `import '${library}';`).join('\n') }]);
  const source = program.getSourceFile(file);
  const checker = program.getTypeChecker();
  const specifiers = (source?.statements ?? ts.factory.createNodeArray<ts.Statement>()).filter(ts.isImportDeclaration).map(({ moduleSpecifier }) => moduleSpecifier);
  return new Map(specifiers.flatMap((specifier, index) => {
    const module = checker.getSymbolAtLocation(specifier);
    if (module === undefined) throw new Error(`The package "${LIBRARIES[index]}" is not found.`);
    return checker.getExportsOfModule(module).map(({ name }): [string, string] => [name, LIBRARIES[index] ?? '']);
  }));
}
