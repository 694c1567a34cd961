import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { asJavaScript } from '../support/docs/block-program.js';
import { codeBlocks } from '../support/docs/code-blocks.js';
import { PAGES } from '../support/docs/pages.js';
import { startProcess } from '../support/processes.js';
import { removeFolder } from '../support/temporary-folder.js';

/** Inside the project: only there does the package find itself by its own name. */
const PARENT = join(process.cwd(), '.cache');
mkdirSync(PARENT, { recursive: true });
const folder = mkdtempSync(join(PARENT, 'docs-examples-'));
afterAll(() => removeFolder(folder));

const examples = PAGES.flatMap((page) => codeBlocks(page, readFileSync(page, 'utf8'))).filter(({ isRun }) => isRun);

/** Each is the program of a reader: it runs alone, to its end, on the embedded broker. */
describe('the examples that are marked to run', () => {
  it.for(examples.map((example) => ({ example, title: `${example.page}:${example.line}` })))('$title', async ({ example }) => {
    const file = join(folder, `example-${examples.indexOf(example)}.mjs`);
    writeFileSync(file, asJavaScript(example));
    // Of a folder of its own, for whoever writes files.
    const cwd = mkdtempSync(join(folder, 'run-'));
    const run = startProcess(process.execPath, [file], { cwd, env: { NO_COLOR: '1' } });
    const { code } = await run.exited(30_000);
    const printed = run.lines.all.filter((line) => !line.startsWith('[Nest] '));
    const expected = (example.output ?? '').trimEnd().split('\n');
    const order = (lines: readonly string[]): readonly string[] => (example.isOutputOrdered === false ? lines.toSorted() : lines);
    expect({ printed: order(printed), errors: run.stderr, code }).toEqual({ printed: order(expected), errors: '', code: 0 });
  });
});
