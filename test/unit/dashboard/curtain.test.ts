import { describe, expect, it } from 'vitest';
import { Curtain } from '../../../lib/dashboard/panel/curtain.js';
import { deadLetterFilter } from '../../../lib/dashboard/panel/dead-letters.js';
import { argumentsOf, exactText } from '../../../lib/dashboard/panel/exact-json.js';
import { Fields } from '../../../lib/dashboard/http/fields.js';
import type { DeadLetter, TaskArgument } from '../../../lib/index.js';

const ARGS: TaskArgument[] = [{ type: 'string', value: 'card 4111' }, { type: 'uint64', value: 18446744073709551615n }];
const LETTER = { id: 'u', name: 'mail.send', reason: 'failed', error: 'Error: card 4111 refused', args: ARGS, queue: 'q' } as unknown as DeadLetter;

describe('what people see of a task', () => {
  it('is everything, with every digit, where nothing is redacted', () => {
    expect(new Curtain().args(ARGS, {}, 1_000)).toEqual({ list: [{ type: 'string', text: '"card 4111"' }, { type: 'uint64', text: '18446744073709551615' }] });
    expect(new Curtain().args(undefined, {}, 1_000, 5_000_000)).toEqual({ bytes: 5_000_000 });
    expect(new Curtain().args([{ type: 'string', value: 'x'.repeat(100) }, { type: 'int', value: 5 }], {}, 10)).toEqual({ list: [{ type: 'string', text: `"${'x'.repeat(9)}`, cut: true }, { type: 'int', text: '', cut: true }] });
  });

  it('is what the redaction leaves of it, and nothing where that fails', () => {
    const curtain = new Curtain({ args: (args) => args.map(({ type, value }) => ({ type, value: type === 'string' ? '***' : value })), text: (text) => text.replace(/\d{4}/g, '****'), headers: () => ({ seen: true }) });
    expect(curtain.args(ARGS, {}, 1_000)).toEqual({ list: [{ type: 'string', text: '"***"' }, { type: 'uint64', text: '18446744073709551615' }], redacted: true });
    expect(curtain.error({ name: 'Error', message: 'card 4111', stack: 'at 4111' }, {})).toEqual({ name: 'Error', message: 'card ****', stack: 'at ****' });
    expect(curtain.headers({ token: 'x' }, {})).toBe('{\n  "seen": true\n}');
    const failing = new Curtain({ args: () => { throw new Error('no'); }, text: () => { throw new Error('no'); }, headers: () => { throw new Error('no'); } });
    expect(JSON.stringify([failing.args(ARGS, {}, 1_000), failing.text('card 4111', {}), failing.headers({ token: '4111' }, {})])).not.toContain('4111');
  });

  it('is never what stands under the name of a secret', () => {
    const args: TaskArgument[] = [{ type: 'json', value: { user: 'ada', password: '4111' } }];
    const curtain = new Curtain();
    expect(curtain.args(args, {}, 1_000)).toMatchObject({ redacted: true });
    expect(JSON.stringify([curtain.args(args, {}, 1_000), curtain.headers({ authorization: '4111' }, {}), curtain.searchable(args, {})])).not.toContain('4111');
  });

  it('cannot change what is kept of it', () => {
    const args: TaskArgument[] = [{ type: 'json', value: { card: '4111' } }];
    new Curtain({ args: (found) => { (found[0]!.value as { card: string }).card = 'x'; return found; } }).args(args, {}, 1_000);
    expect(args).toEqual([{ type: 'json', value: { card: '4111' } }]);
  });

  it('is all that a search knows', () => {
    const fits = (query: Record<string, string>, curtain: Curtain): boolean => deadLetterFilter(new Fields(query), curtain)(LETTER);
    const open = new Curtain();
    expect(fits({ search: '4111' }, open)).toBe(true);
    expect(fits({ search: '18446744073709551615' }, open)).toBe(true);
    expect(fits({ error: 'CARD 4111' }, open)).toBe(true);
    const closed = new Curtain({ args: (args) => args, text: () => 'hidden' });
    expect(fits({ search: '4111' }, closed)).toBe(false);
    expect(fits({ search: 'u' }, closed)).toBe(true);
    expect(fits({ error: '4111' }, closed)).toBe(false);
  });
});

it.each([['mail.send', true], ['mail.*', true], ['*.send', true], ['m*l*d', true], ['*', true], ['mail', false], ['mail.*x', false], ['send*', false], ['*a*a*a*a*a*a*a*a*a*a', false]])('the pattern %s fits mail.send: %s', (pattern, fits) => {
  expect(deadLetterFilter(new Fields({ name: pattern }), new Curtain())(LETTER)).toBe(fits);
});

describe('arguments as somebody types them', () => {
  it('keep every digit, and their types', () => {
    const args = argumentsOf('[{"type":"uint64","value":18446744073709551615},{"type":"float64","value":12345678901234567890},{"type":"json","value":{"a":[1,9007199254740993]}}]');
    expect(args).toEqual([{ type: 'uint64', value: 18446744073709551615n }, { type: 'float64', value: 12345678901234567890 }, { type: 'json', value: { a: [1, 9007199254740993n] } }]);
    expect(argumentsOf(exactText(args))).toEqual(args);
  });

  it.each(['{}', '[1]', '[{"type":"int"}]', '[{"type":5,"value":1}]', '[{"type":"int","value":1,"more":1}]', 'nonsense', '[{"type":"json","value":{"__proto__":{}}}]'])('are refused where they are none: %s', (text) => {
    expect(() => argumentsOf(text)).toThrow();
  });
});
