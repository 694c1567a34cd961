import { describe, expect, it } from 'vitest';
import { completeTask } from '../../../lib/task/complete-task.js';
import { decodeEdgeMark, decodeEdgeRecord, encodeEdgeMark, encodeEdgeRecord, type EdgeMark, type EdgeRecord } from '../../../lib/task/edge-record.js';
import type { TaskInput } from '../../../lib/task/task.js';

const DEFAULTS = { routingKey: 'key', newUuid: () => 'made', now: () => 0, uniqueKey: (name: string, text: string) => `${name}|${text}`, edgeKey: (name: string, text: string) => `${name}|${text}` };
const ARGS = [{ type: 'json' as const, value: { account: { id: 7 } } }, { type: 'string' as const, value: 'x' }];

const edgeOf = (input: Partial<TaskInput>) => completeTask({ name: 'a', args: ARGS, ...input }, DEFAULTS).edge;
const refusal = (input: object): string => {
  try {
    completeTask({ name: 'a', args: ARGS, ...input }, DEFAULTS);
    return 'it was taken';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a window', () => {
  it('has, with debounce, a trailing edge, and with throttle both, if nothing else is said', () => {
    expect(edgeOf({ debounce: { waitSeconds: 5, maxWaitSeconds: 60, by: '1' } })).toEqual({ kind: 'debounce', key: 'a|key:x', waitMs: 5_000, maxWaitMs: 60_000, leading: false, trailing: true });
    expect(edgeOf({ throttle: { windowSeconds: 0.5, by: ([, text]) => String(text) } })).toEqual({ kind: 'throttle', key: 'a|key:x', waitMs: 500, leading: true, trailing: true });
    expect(edgeOf({ throttle: { windowSeconds: 5, trailing: false }, expiresInSeconds: 1 })).toMatchObject({ leading: true, trailing: false });
  });

  it('is of a key in the arguments, of all of them, or of nothing where there is no key', () => {
    expect(edgeOf({ debounce: { waitSeconds: 5, by: 'account.id' } })?.key).toBe('a|key:7');
    expect(edgeOf({ debounce: { waitSeconds: 5 } })?.key).toBe('a|args:[{"account":{"id":7}},"x"]');
    expect(edgeOf({ debounce: { waitSeconds: 5, by: 'tenant' } })).toBeUndefined();
    expect(edgeOf({ debounce: false, throttle: false })).toBeUndefined();
    expect(edgeOf({})).toBeUndefined();
  });

  it.each<[object, string]>([
    [{ debounce: { waitSeconds: 0 } }, 'Task "a": debounce.waitSeconds must be a number of seconds from 0.05 to 31622400 (a year), such as { waitSeconds: 5 }; found the number 0.'],
    [{ debounce: {} }, 'Task "a": debounce.waitSeconds must be a number of seconds from 0.05 to 31622400 (a year), such as { waitSeconds: 5 }; found undefined.'],
    [{ debounce: true }, 'Task "a": debounce must be an object such as { waitSeconds: 5 }, found true.'],
    [{ debounce: { waitSecond: 5 } }, 'Task "a": debounce has no option "waitSecond". Did you mean "waitSeconds"'],
    [{ throttle: { waitSeconds: 5 } }, 'Task "a": throttle has no option "waitSeconds".'],
    [{ throttle: { windowSeconds: '5' } }, 'Task "a": throttle.windowSeconds must be a number'],
    [{ debounce: { waitSeconds: 5, maxWaitSeconds: 4 } }, 'Task "a": debounce.maxWaitSeconds (the number 4) must not be shorter than waitSeconds (the number 5).'],
    [{ debounce: { waitSeconds: 5, maxWaitSeconds: -1 } }, 'Task "a": debounce.maxWaitSeconds must be a number'],
    [{ debounce: { waitSeconds: 5, trailing: false } }, 'Task "a": debounce has neither a leading nor a trailing edge'],
    [{ throttle: { windowSeconds: 5, leading: 'yes' } }, 'Task "a": throttle.leading must be true or false'],
    [{ debounce: { waitSeconds: 5, by: 5 } }, 'Task "a": debounce.by must be the place of an argument'],
    [{ debounce: { waitSeconds: 5, by: 'account' } }, 'Task "a": debounce.by did not lead to a key'],
    [{ debounce: { waitSeconds: 5, by: () => { throw new Error('oh'); } } }, 'Task "a": debounce.by did not lead to a key: oh'],
    [{ debounce: { waitSeconds: 5 }, throttle: { windowSeconds: 5 } }, 'Task "a": it has debounce and throttle: give one of them.'],
    [{ debounce: { waitSeconds: 5 }, unique: { scope: 'untilStarted' } }, 'Task "a": it has debounce and unique'],
    [{ debounce: { waitSeconds: 5 }, delaySeconds: 5 }, 'Task "a": it has debounce and delaySeconds'],
    [{ throttle: { windowSeconds: 5 }, eta: new Date(200e9) }, 'Task "a": it has throttle and eta'],
    [{ throttle: { windowSeconds: 5 }, expiresInSeconds: 5 }, 'Task "a": it has throttle and expiresInSeconds'],
  ])('is refused: %j', (input, text) => {
    expect(refusal(input)).toContain(text);
  });

  it('is none of what comes back from the dead letters', () => {
    expect(() => completeTask({ name: 'a', debounce: { waitSeconds: 5 } }, { routingKey: 'key', newUuid: () => 'made', now: () => 0 })).toThrow('cannot be debounced or throttled here');
  });
});

describe('what is kept of a window, and what travels', () => {
  const record: EdgeRecord = { state: 'publishing', uuid: 'u', token: 't', burst: 'b', seq: 2, since: 1, until: 5, changes: 3, version: 1, args: '[]', skipped: [1, 2], before: { state: 'open', uuid: 'v', token: '', burst: 'b', seq: 1, since: 1, until: 3, changes: 0, version: 1 } };
  const mark: EdgeMark = { kind: 'throttle', key: 'k', token: 't', burst: 'b', seq: 2, waitMs: 50, seen: 0 };

  it('is read as it was written', () => {
    expect(decodeEdgeRecord(encodeEdgeRecord(record))).toEqual(record);
    expect(decodeEdgeMark(encodeEdgeMark(mark))).toEqual(mark);
  });

  it.each(['', 'null', '5', '{"state":"held"}', JSON.stringify({ ...record, seq: '2' }), JSON.stringify({ ...record, args: 5 })])('is nothing where other bytes are there: %s', (text) => {
    expect(decodeEdgeRecord(Buffer.from(text))).toBeUndefined();
    expect(decodeEdgeMark(text)).toBeUndefined();
  });

  it('is no mark in a header of another type', () => {
    for (const found of [undefined, 5, { key: 'k' }, JSON.stringify({ ...mark, kind: 'unique' }), JSON.stringify({ ...mark, waitMs: null })]) expect(decodeEdgeMark(found)).toBeUndefined();
  });
});
