import { describe, expect, it } from 'vitest';
import type { LockPart } from '../../../lib/inspection/asking/messages.js';
import { ClaimBook } from '../../../lib/inspection/book/claim-book.js';
import { locksOfClaims, locksOfRun } from '../../../lib/inspection/held-locks.js';
import { locksReport } from '../../../lib/inspection/locks-report.js';
import type { UniqueClaim } from '../../../lib/task/unique-claim.js';
import { encodeUniqueMark } from '../../../lib/task/unique.js';
import type { UniqueScope } from '../../../lib/task/unique-options.js';
import { Header } from '../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../lib/task/task.js';
import { TaskLimits } from '../../../lib/worker/limits/task-limits.js';
import type { TaskLimitOptions } from '../../../lib/worker/limits/limit-options.js';
import type { ObservedRun } from '../../../lib/worker/run-observer.js';

const TOLD = { process: 'p1', host: 'h', pid: 1 };

function part(change: Partial<LockPart> = {}): LockPart {
  return { kind: 'unique', name: 'report', key: 'unique:e:report:key:a', most: 1, uuid: 'u1', running: false, since: 1, ...TOLD, ...change };
}

function claim(uuid: string, state: UniqueClaim['state'] = 'held'): UniqueClaim {
  return { uuid, token: 't', state, until: 99 };
}

function run(scope?: UniqueScope, limits?: TaskLimitOptions): ObservedRun {
  const headers: TaskHeaders = scope === undefined ? {} : { [Header.unique]: encodeUniqueMark({ key: 'unique:k', scope, seconds: 1, token: 't', replace: false }) };
  return {
    uuid: 'u1', name: 'n', attempt: 1, queue: 'q', worker: 'w', startedAt: 0, headers, notes: undefined, task: { args: [{ type: 'string', value: 'ann' }] }, delivery: { body: { length: 1 } },
    ...(limits === undefined ? {} : { handler: { limits: new TaskLimits('n', limits) } }),
  };
}

describe('what a run holds', () => {
  it('is its unique key, unless it was free with the start', () => {
    expect(locksOfRun(run('untilFinished'), 'w', 5, TOLD)).toEqual([{ kind: 'unique', name: 'n', key: 'unique:k', most: 1, uuid: 'u1', running: true, since: 5, worker: 'w', ...TOLD }]);
    expect(locksOfRun(run('window'), 'w', 5, TOLD)).toHaveLength(1);
    expect(locksOfRun(run('untilStarted'), 'w', 5, TOLD)).toEqual([]);
    expect(locksOfRun(run(), 'w', 5, TOLD)).toEqual([]);
  });

  it('is a place of each of its limits, by key too, and whatever the key function does', () => {
    const of = (options: TaskLimitOptions): unknown[] => locksOfRun(run(undefined, options), 'w', 5, TOLD).map(({ limit, most, key }) => [limit, most, key]);
    expect(of({ process: 2, global: 3, perKey: { key: ([name]) => String(name), process: 4, global: 5 } })).toEqual([
      ['process', 2, undefined], ['global', 3, undefined], ['perKey.process', 4, 'ann'], ['perKey.global', 5, 'ann'],
    ]);
    expect(of({ global: 1, perKey: { key: () => undefined, global: 1 } })).toEqual([['global', 1, undefined]]);
    expect(of({ perKey: { key: () => { throw new Error('no'); }, global: 1 } })).toEqual([]);
  });
});

describe('keys that were taken by publishing', () => {
  it('tell windows of unique keys', async () => {
    const claims = new ClaimBook();
    claims.add('edge:e:index:key:a', 'index', 'u1', 1);
    const told = locksOfClaims(claims, TOLD);
    expect(told).toMatchObject([{ kind: 'window', uuid: 'u1' }]);
    expect(await locksReport(told, () => Promise.resolve({ uuid: 'u2', state: 'waiting', until: 99, absorbed: 3 }), 10)).toEqual([
      { kind: 'window', name: 'index', key: 'edge:e:index:key:a', most: 1, state: 'waiting', until: 99, absorbed: 3, holders: [{ uuid: 'u2' }] },
    ]);
    expect(await locksReport(told, () => Promise.resolve(undefined), 10)).toEqual([]);
  });

  it('are the last 1,000, the newest first, each once', () => {
    const claims = new ClaimBook();
    for (let index = 0; index < 1_005; index++) claims.add(`unique:${index}`, 'n', `u${index}`, index);
    claims.add('unique:7', 'n', 'again', 2_000);
    const told = locksOfClaims(claims, TOLD);
    expect(told).toHaveLength(1_000);
    expect(told[0]).toMatchObject({ key: 'unique:7', uuid: 'again', since: 2_000, running: false });
    expect(told.some(({ key }) => key === 'unique:4')).toBe(false);
  });
});

describe('the report on locks', () => {
  it('tells of keys what the shared state has, with where the holder runs, and leaves out those that are free', async () => {
    const parts = [part(), part({ key: 'free' }), part({ uuid: 'u2', key: 'runs', running: true, worker: 'w', since: 7 }), part({ uuid: 'old', key: 'runs', running: true })];
    const held = new Map([['unique:e:report:key:a', claim('u9')], ['runs', claim('u2', 'started')]]);
    expect(await locksReport(parts, (key) => Promise.resolve(held.get(key)), 10)).toEqual([
      { kind: 'unique', name: 'report', key: 'runs', most: 1, state: 'started', until: 99, holders: [{ uuid: 'u2', ...TOLD, worker: 'w', since: 7 }] },
      { kind: 'unique', name: 'report', key: 'unique:e:report:key:a', most: 1, state: 'held', until: 99, holders: [{ uuid: 'u9' }] },
    ]);
  });

  it('tells what processes say where the shared state cannot be asked, and asks for no more than is wanted', async () => {
    let asked = 0;
    const parts = Array.from({ length: 50 }, (_, index) => part({ key: `k${index}`, since: index }));
    const locks = await locksReport(parts, () => { asked++; return Promise.reject(new Error('away')); }, 30);
    expect([asked, locks.length]).toEqual([30, 30]);
    expect(locks[0]).toEqual({ kind: 'unique', name: 'report', key: 'k49', most: 1, holders: [{ uuid: 'u1' }] });
  });

  it('has all holders of a limit over processes, and each process by itself where the limit is its own', async () => {
    const place = (limit: LockPart['limit'], process: string, uuid: string): LockPart => ({ kind: 'limit', name: 'n', most: 3, limit, uuid, running: true, since: 1, ...TOLD, process });
    const locks = await locksReport([place('global', 'p1', 'a'), place('global', 'p2', 'b'), place('process', 'p1', 'a'), place('process', 'p2', 'b')], () => Promise.reject(new Error('never asked')), 10);
    expect(locks.map(({ limit, most, holders }) => [limit, most, holders.map(({ uuid }) => uuid)])).toEqual([['global', 3, ['a', 'b']], ['process', 3, ['a']], ['process', 3, ['b']]]);
  });
});
