import { describe, expect, it } from 'vitest';
import { HIDDEN, Redaction } from '../../../lib/inspection/redaction.js';
import type { TaskArgument } from '../../../lib/task/task.js';

const TASK = { name: 'n', queue: 'q' };
const json = (value: unknown): TaskArgument[] => [{ type: 'json', value }];

describe('the redaction', () => {
  it.each(['password', 'userPassword', 'passwd', 'token', 'access_token', 'clientSecret', 'Authorization', 'authorisation', 'apiKey', 'api-key', 'private_key', 'credentials', 'cookie', 'Set-Cookie', 'passphrase', 'pin', 'cvv'])(
    'hides what stands under %s, however deep', (key) => {
      const args = json({ outer: [{ [key]: { secret: 1 }, kept: 'here' }] });
      expect(new Redaction().args(args, TASK)).toEqual(json({ outer: [{ [key]: HIDDEN, kept: 'here' }] }));
      expect(args).toEqual(json({ outer: [{ [key]: { secret: 1 }, kept: 'here' }] }));
      expect(new Redaction().headers({ [key]: 'x', other: 'y' })).toEqual({ [key]: HIDDEN, other: 'y' });
    });

  it('leaves other names, nothing and 64-bit integers as they are', () => {
    const args = [...json({ compass: 1, passenger: 'x', shipping: 2, password: null }), { type: 'int64' as const, value: 5n }];
    expect(new Redaction().args(args, TASK)?.[0]?.value).toMatchObject({ compass: 1, shipping: 2, password: null });
    expect(new Redaction().args(args, TASK)?.[1]?.value).toBe(5n);
    expect(new Redaction().args(undefined, TASK)).toBeUndefined();
  });

  it('asks the hook with what is left, and tells nothing where it fails', () => {
    const seen: unknown[] = [];
    const redaction = new Redaction((args, task) => {
      seen.push(args, task);
      return args.slice(0, 1);
    });
    expect(redaction.args([...json({ token: 1 }), ...json(2)], TASK)).toEqual(json({ token: HIDDEN }));
    expect(seen).toEqual([[...json({ token: HIDDEN }), ...json(2)], TASK]);
    expect(new Redaction(() => { throw new Error('hostile'); }).args(json(1), TASK)).toBeUndefined();
    expect(new Redaction(() => 'x' as never).args(json(1), TASK)).toBeUndefined();
  });

  it('ends, however deep or many the values are', () => {
    let deep: unknown = 1;
    for (let level = 0; level < 5_000; level++) deep = { deep };
    expect(JSON.stringify(new Redaction().args(json(deep), TASK)).length).toBeLessThan(500);
    expect(JSON.stringify(new Redaction().args(json(Array.from({ length: 100_000 }, () => ({}))), TASK))).toContain('[...]');
  });
});
