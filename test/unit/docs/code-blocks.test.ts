import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { complaintsAbout } from '../../support/docs/block-program.js';
import { codeBlocks, unexportedNames, namesIn } from '../../support/docs/code-blocks.js';
import { PAGES } from '../../support/docs/pages.js';

const blocks = PAGES.flatMap((page) => codeBlocks(page, readFileSync(page, 'utf8')));

describe('the TypeScript on the pages', () => {
  // A second or ten, of a machine that has nothing else to do.
  it('compiles, as a module each', { timeout: 300_000 }, () => {
    const checked = blocks.filter(({ unchecked }) => unchecked === undefined);
    expect(checked.length).toBeGreaterThan(20);
    expect(complaintsAbout(checked)).toEqual([]);
  });

  it('says why it is not compiled, where it is not', () => {
    expect(blocks.filter(({ unchecked }) => unchecked !== undefined && unchecked.length < 10)).toEqual([]);
  });

  it('says what a run prints', () => {
    expect(blocks.filter(({ isRun, output }) => isRun && output === undefined).map(({ page, line }) => `${page}:${line}`)).toEqual([]);
  });
});

describe('a block of code', () => {
  const page = ['# Page', '<!-- prelude', 'declare const a: number;', '-->', '```ts', 'a;', '```', 'text', '```ts run', 'console.log(1);', '```', '', 'It prints:', '', '```text output', '1', '```', '```ts no-check: of another package', '?', '```', ''].join('\n');

  it('has its line, its marks and what it prints', () => {
    expect(codeBlocks('page.md', page)).toEqual([
      { page: 'page.md', line: 3, code: 'declare const a: number;\n', isPrelude: true, isRun: false },
      { page: 'page.md', line: 6, code: 'a;\n', isPrelude: false, isRun: false },
      { page: 'page.md', line: 10, code: 'console.log(1);\n', isPrelude: false, isRun: true, output: '1\n', isOutputOrdered: true },
      { page: 'page.md', line: 19, code: '?\n', isPrelude: false, isRun: false, unchecked: 'of another package' },
    ]);
    expect(() => codeBlocks('page.md', '```ts runs\n```\n')).toThrow('is marked "runs"');
    expect(() => codeBlocks('page.md', '```ts no-check: of `x`\n```\n')).toThrow('no beginning of a block');
  });

  it('takes what stands above it, and nothing of other pages', () => {
    const [first, second, third] = codeBlocks('a.md', '```ts\nconst one = 1;\n```\n```ts\nconst two: number = one; await dispatcher.depth(String(two));\n```\n```ts\nconst three: string = one;\n```\n');
    const [elsewhere] = codeBlocks('b.md', '\n```ts\none;\n```\n');
    expect(complaintsAbout([first!, second!, third!, elsewhere!])).toEqual([
      "a.md:8: Type 'number' is not assignable to type 'string'.", "b.md:3: Cannot find name 'one'.",
    ]);
  });

  it('declares and imports names', () => {
    const code = "import { z, type A as B } from 'z';\nimport D from 'd';\nexport class C {}\nconst { e, f: g } = h;\nconst [i] = j;\nasync function k() { const l = 1; }\n";
    expect(namesIn(code).sort()).toEqual(['B', 'C', 'D', 'e', 'g', 'i', 'k', 'z']);
    expect(unexportedNames(code).sort()).toEqual(['B', 'D', 'e', 'g', 'i', 'k', 'z']);
  });
});
