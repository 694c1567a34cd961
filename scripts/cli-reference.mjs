/**
 * Writes the reference part of `docs/command-line.md` from the program itself. It needs a build (`dist/lib`). A test fails
 * where the page is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const page = join(root, 'docs/command-line.md');
const load = createRequire(import.meta.url);
const { reference } = load(join(root, 'dist/lib/cli/reference.js'));
const { VERBS } = load(join(root, 'dist/lib/cli/verbs.js'));
const [head] = readFileSync(page, 'utf8').split('## Reference\n');
writeFileSync(page, `${head}## Reference\n\nMade from the program itself.\n\n${reference(VERBS)}\n`);
