import { describe, expect, it } from 'vitest';
import { checkThreads } from '../../../../lib/dispatcher/config/threads-config.js';
import { canCross, packThrown, unpackThrown } from '../../../../lib/nest/threads/thread-messages.js';
import { errorStory } from '../../../../lib/task/error-story.js';
import { GiveUp, RetryLater, SucceedEarly } from '../../../../lib/task/verdicts.js';

/** As it is after the way between two threads. */
function crossed(thrown: unknown): unknown {
  return unpackThrown(structuredClone(packThrown(thrown)));
}

describe('what a handler throws in a thread', () => {
  it('keeps its verdicts', () => {
    expect(crossed(new RetryLater(2, { charged: true, reason: 'busy' }))).toEqual(new RetryLater(2, { charged: true, reason: 'busy' }));
    expect(crossed(new GiveUp('no', new Error('deep')))).toEqual(new GiveUp('no', new Error('deep')));
    expect(crossed(new SucceedEarly(5n))).toEqual(new SucceedEarly(5n));
    expect(crossed(new SucceedEarly(() => 1))).toEqual(new SucceedEarly(undefined));
  });

  it('keeps name, message, stack and what else can be copied of an error', () => {
    const error = Object.assign(new TypeError('bad'), { code: 'E_BAD', retry: () => 1 });
    const back = crossed(error) as Error & Record<string, unknown>;
    expect(back).toBeInstanceOf(Error);
    expect([back.name, back.message, back.stack, back.code, back.retry]).toEqual(['TypeError', 'bad', error.stack, 'E_BAD', undefined]);
  });

  it('keeps what was behind an error, and data of that name', () => {
    const inner = Object.assign(new RangeError('inner'), { code: 'E_INNER' });
    const back = crossed(new AggregateError([new TypeError('one'), 'two'], 'all failed', { cause: inner })) as AggregateError;
    expect(back).toMatchObject({ name: 'AggregateError', cause: { name: 'RangeError', message: 'inner', code: 'E_INNER' } });
    expect(errorStory(back, 300)).toBe('AggregateError: all failed [TypeError: one; two] (caused by RangeError: inner)');
    expect(crossed(Object.assign(new Error('invalid'), { errors: [{ path: 'name' }] }))).toMatchObject({ errors: [{ path: 'name' }] });
  });

  it('keeps values that are no errors', () => {
    expect(crossed('text')).toBe('text');
    expect(crossed({ a: 1 })).toEqual({ a: 1 });
    expect(crossed(Symbol('s'))).toBe('Symbol(s)');
  });
});

it('knows what can cross', () => {
  expect([1n, null, undefined, new Map([[1, new Date(0)]]), Buffer.from('a')].map(canCross)).toEqual([true, true, true, true, true]);
  expect([() => 1, Symbol('s'), { f: () => 1 }].map(canCross)).toEqual([false, false, false]);
});

describe('threads of the configuration', () => {
  it('takes paths and file URLs', () => {
    const path = process.platform === 'win32' ? 'C:\\a.js' : '/a.js';
    const url = new URL(process.platform === 'win32' ? 'file:///C:/a.js' : 'file:///a.js');
    expect(checkThreads({ module: path }, '/work')).toEqual({ module: path, size: undefined, maxQueue: 100, workingFolder: '/work' });
    expect(checkThreads({ module: url, size: 2, maxQueue: 0 }, '/work')).toMatchObject({ module: path, size: 2, maxQueue: 0 });
    expect(checkThreads({ module: url.href }, '/work')?.module).toBe(path);
    expect(checkThreads(undefined, '/work')).toBeUndefined();
  });

  it.each([
    [{ module: './a' }, /threads\.module must be the absolute path or the file: URL.*found/],
    [{ module: class {} as never }, /A class cannot be handed to a thread/],
    [{ module: new URL('https://example.org/a.js') }, /threads\.module/],
    [{ module: '/a.js', size: 0 }, /threads\.size must be a whole number of at least 1/],
    [{ module: '/a.js', maxQueue: -1 }, /threads\.maxQueue/],
    [{ file: '/a.js' } as never, /threads has no option "file"/],
  ])('refuses %j', (threads, text) => {
    expect(() => checkThreads(threads, '/work')).toThrow(text);
  });
});
