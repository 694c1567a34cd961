import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as everything from '../../lib/index.js';
import { headingsOf } from '../support/docs/links.js';

const { ERROR_CODES, DispatcherError } = everything;
const root = join(__dirname, '../..');

/** The codes that are written anywhere in the library. */
function codesInSources(): string[] {
  const files = readdirSync(join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts') && name !== 'error-codes.ts');
  const codes = files.flatMap((name) => readFileSync(join(root, 'lib', name), 'utf8').match(/'ERR_DISPATCHER_[A-Z_]+'/g) ?? []);
  return [...new Set(codes.map((quoted) => quoted.slice(1, -1)))];
}

describe('the codes of errors', () => {
  it('are all in the list, and the list has no other', () => {
    expect([...ERROR_CODES].sort()).toEqual(codesInSources().sort());
  });

  it('are each documented', () => {
    const page = readFileSync(join(root, 'docs/errors.md'), 'utf8');
    expect(page.match(/(?<=^### )ERR_DISPATCHER_[A-Z_]+$/gm)?.sort()).toEqual([...ERROR_CODES].sort());
    for (const code of ERROR_CODES) expect(page).toMatch(new RegExp(`^### ${code}\n\n\`\\w+Error\`\\. .+`, 'm'));
  });

  it.each([...ERROR_CODES])('leads from an error %s to its place on the page', (code) => {
    const { help = '' } = new DispatcherError(code, 'a text');
    const [, page = '', anchor = ''] = /^node_modules\/nestjs-dispatcher\/(.+)#(.+)$/.exec(help) ?? [];
    expect(headingsOf(readFileSync(join(root, page), 'utf8'))).toContain(anchor);
    expect(inspect(new DispatcherError(code, 'a text'))).toContain(help);
  });

  it('leads nowhere from a code that is not ours', () => {
    expect(new DispatcherError('ERR_OF_A_USER', 'a text').help).toBeUndefined();
  });

  const classes = Object.entries(everything).filter(([, value]) => typeof value === 'function' && value.prototype instanceof DispatcherError);

  it.each(classes.filter(([name]) => name !== 'BrokerError'))('has that of %s', (_, Class) => {
    const error = new (Class as new (message: string) => InstanceType<typeof DispatcherError>)('a text');
    expect(ERROR_CODES).toContain(error.code);
  });
});
