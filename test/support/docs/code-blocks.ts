/**
 * Blocks of TypeScript on a page. Each is compiled as a module of its own (docs/testing.md): it may use, without importing
 * them, what `nestjs-dispatcher` and Nest export, what the blocks above it declare, and what hidden comments declare:
 *
 *     <!-- prelude
 *     declare const sessions: { userOf(cookie?: string): Promise<{ name: string } | undefined> };
 *     -->
 */
export interface CodeBlock {
  readonly page: string;
  /** Of its first line of code, from 1. */
  readonly line: number;
  readonly code: string;
  /** Not shown, and never run. */
  readonly isPrelude: boolean;
  /** Marked `ts run`: it is run, to its end. */
  readonly isRun: boolean;
  /** Why it is not compiled: what stands after `no-check:`. Empty: it does not say why. */
  readonly unchecked?: string;
  /** What the run is to print: the block marked `text output` right below it. */
  readonly output?: string;
  readonly isOutputOrdered?: boolean;
}

const BLOCK = /^<!-- prelude\n(?<prelude>.*?)^-->$|^```(?:ts|typescript)(?<info>[^\n]*)\n(?<code>.*?)^```$/gms;
const OUTPUT = /^\n+(?:[^`\n#][^\n]*\n\n)?```text output( in any order)?\n(.*?)^```$/ms;

export function codeBlocks(page: string, text: string): CodeBlock[] {
  return [...text.matchAll(BLOCK)].map((match) => {
    const { prelude, info = '', code = '' } = match.groups ?? {};
    const rest = text.slice(match.index + match[0].length);
    return {
      page, line: text.slice(0, match.index).split('\n').length + 1, code: prelude ?? code, isPrelude: prelude !== undefined,
      ...marks(info.trim()), ...output(rest),
    };
  });
}

function marks(info: string): Pick<CodeBlock, 'isRun' | 'unchecked'> {
  if (info.includes('`')) throw new Error(`A block is marked "${info}": with a backtick in it, that is no beginning of a block in Markdown.`);
  if (info.startsWith('no-check')) return { isRun: false, unchecked: /^no-check:\s*(.+)$/.exec(info)?.[1] ?? '' };
  if (info !== '' && info !== 'run') throw new Error(`A block of TypeScript is marked "${info}": expected nothing, "run", or "no-check: " and a reason.`);
  return { isRun: info === 'run' };
}

/** It may stand below one line of text ("It prints:"). */
function output(rest: string): Pick<CodeBlock, 'output' | 'isOutputOrdered'> {
  const found = OUTPUT.exec(rest);
  return found === null || found.index > 0 ? {} : { output: found[2], isOutputOrdered: found[1] === undefined };
}

/** Names that a block declares or imports at its top. */
export function namesIn(code: string): string[] {
  const declared = [...code.matchAll(/^(?:export )?(?:declare )?(?:abstract )?(?:async )?(?:class|function\*?|const|let|interface|type|enum|namespace) (\w+)/gm)].map(([, name = '']) => name);
  const taken = [...code.matchAll(/^(?:export )?(?:const|let) [{[]([^=]*?)[}\]] =/gm)].flatMap(([, names = '']) => words(names.replace(/\w+\s*:/g, '')));
  return [...new Set([...declared, ...taken, ...importedNames(code)])];
}

export function importedNames(code: string): string[] {
  return [...code.matchAll(/^import ([^'"]*?) from /gm)].flatMap(([, names = '']) => words(names.replace(/\w+ as /g, '').replace(/\btype\b/g, '')));
}

/** Of these, what is not exported yet: later blocks may take all of them. */
export function unexportedNames(code: string): string[] {
  const exported = new Set([...code.matchAll(/^export (?:declare )?(?:abstract )?(?:async )?(?:class|function\*?|const|let|interface|type|enum) (\w+)/gm)].map(([, name]) => name));
  return namesIn(code).filter((name) => !exported.has(name));
}

function words(text: string): string[] {
  return text.match(/[A-Za-z_$][\w$]*/g) ?? [];
}

/** The names that a text mentions, in whatever place. */
export function mentioned(code: string): Set<string> {
  return new Set(words(code));
}
