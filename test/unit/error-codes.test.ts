import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import * as everything from '../../lib/index.js';

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
    const documented = readFileSync(join(root, 'docs/errors.md'), 'utf8').match(/(?<=^\| `)ERR_DISPATCHER_[A-Z_]+(?=`)/gm);
    expect(documented?.sort()).toEqual([...ERROR_CODES].sort());
  });

  const classes = Object.entries(everything).filter(([, value]) => typeof value === 'function' && value.prototype instanceof DispatcherError);

  it.each(classes.filter(([name]) => name !== 'BrokerError'))('has that of %s', (_, Class) => {
    const error = new (Class as new (message: string) => InstanceType<typeof DispatcherError>)('a text');
    expect(ERROR_CODES).toContain(error.code);
  });
});
