import { lastValueFrom, toArray } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { TaskFailedError } from '../../../../lib/index.js';
import { callOf } from '../../../../lib/dispatcher/results/call.js';
import { reportsOf, type Report } from '../../../../lib/dispatcher/results/reports.js';
import type { PublishedTask } from '../../../../lib/dispatcher/publishing/published-task.js';
import { ReplyInbox } from '../../../../lib/results/replies/reply-inbox.js';
import { Arrivals, Signal } from '../../../support/wait.js';

const closing = new AbortController();
const published = { state: 'published', at: 1, name: 'add' } as const;
let inbox: ReplyInbox;

beforeEach(() => { inbox = new ReplyInbox({ expiresInMs: 60_000, warn: () => undefined, tell: () => undefined }, () => 1); });
afterEach(() => inbox.close());

function collect(first?: typeof published): { seen: Arrivals<Report>; end: Promise<unknown>; stop(): void } {
  const seen = new Arrivals<Report>();
  const end = new Signal<unknown>();
  const subscription = reportsOf({ reader: inbox, uuid: 'u', published: first, closing: closing.signal })
    .subscribe({ next: seen.add, complete: () => end.fire('complete'), error: (error: unknown) => end.fire(error) });
  return { seen, end: end.promise, stop: () => subscription.unsubscribe() };
}

describe('reports', () => {
  it('tell each thing once, the value with the last one, and complete', async () => {
    const { seen, end } = collect(published);
    inbox.note('u', 'add', [{ state: 'started', at: 2, attempt: 1, worker: 'w' }]);
    inbox.note('u', 'add', [published]);
    inbox.note('u', 'add', [{ state: 'progress', at: 3, attempt: 1, fraction: 0.1 }]);
    inbox.note('u', 'add', [{ state: 'progress', at: 4, attempt: 1, fraction: 0.9, data: 'rows' }]);
    inbox.note('u', 'add', [{ state: 'succeeded', at: 5, attempt: 1 }]);
    expect(await end).toBe('complete');
    expect(seen.all.map(({ state, fraction, final }) => [state, fraction, final])).toEqual([
      ['published', undefined, false], ['started', undefined, false], ['progress', 0.1, false], ['progress', 0.9, false], ['succeeded', undefined, true],
    ]);
    expect(seen.all[3]).toMatchObject({ uuid: 'u', name: 'add', data: 'rows' });
    expect(seen.all[4]).toHaveProperty('value', undefined);
  });

  it('tell a failure as the final report and as the error', async () => {
    const { seen, end } = collect();
    inbox.note('u', 'add', [{ state: 'timedOut', at: 5, attempt: 2, error: { name: 'TaskTimeoutError', message: 'too slow' } }]);
    expect(await end).toBeInstanceOf(TaskFailedError);
    expect(seen.all).toMatchObject([{ state: 'timedOut', final: true, attempt: 2, error: { message: 'too slow' } }]);
  });

  it('tell the whole story to whoever comes late', async () => {
    inbox.note('u', 'add', [published, { state: 'started', at: 2 }, { state: 'succeeded', at: 3 }]);
    const { seen, end } = collect();
    expect(await end).toBe('complete');
    expect(seen.all.map(({ state }) => state)).toEqual(['published', 'started', 'succeeded']);
  });

  it('stay within bounds where a task is tried for ever', () => {
    const { seen, stop } = collect();
    for (let at = 0; at < 1_000; at++) inbox.note('u', 'add', [{ state: 'retrying', at, attempt: at }]);
    stop();
    inbox.note('u', 'add', [{ state: 'started', at: 5_000 }]);
    expect(seen.all).toHaveLength(1_000);
  });

  it('end when the dispatcher closes', async () => {
    const ended = new AbortController();
    const waiting = lastValueFrom(reportsOf({ reader: inbox, uuid: 'u', closing: ended.signal }).pipe(toArray()));
    ended.abort(new Error('closing'));
    await expect(waiting).rejects.toThrow('closing');
    await expect(lastValueFrom(reportsOf({ reader: inbox, uuid: 'u', closing: ended.signal }))).rejects.toThrow('closing');
  });
});

describe('a call', () => {
  const sent = (uuid: string): PublishedTask => ({ uuid, reports: () => reportsOf({ reader: inbox, uuid, published, closing: closing.signal }) }) as PublishedTask;

  it('publishes for each subscriber, and not before', async () => {
    let times = 0;
    const call = callOf(() => Promise.resolve(sent(`u${++times}`)), () => undefined);
    expect(times).toBe(0);
    inbox.note('u1', 'add', [{ state: 'succeeded', at: 1 }]);
    inbox.note('u2', 'add', [{ state: 'succeeded', at: 1 }]);
    expect([(await lastValueFrom(call)).uuid, (await lastValueFrom(call)).uuid]).toEqual(['u1', 'u2']);
  });

  it('is an error alone where publishing fails', async () => {
    await expect(lastValueFrom(callOf(() => Promise.reject(new Error('no queue')), () => undefined))).rejects.toThrow('no queue');
  });

  it('leaves nothing behind, whether it ends or its subscriber leaves', async () => {
    inbox.note('u', 'add', [{ state: 'succeeded', at: 2 }]);
    await lastValueFrom(callOf(() => Promise.resolve(sent('u')), (uuid) => inbox.forget(uuid)));
    expect(inbox.size).toBe(0);
    const seen = new Arrivals<Report>();
    const leaving = callOf(() => Promise.resolve(sent('v')), (uuid) => inbox.forget(uuid)).subscribe(seen.add);
    await seen.count(1);
    inbox.note('v', 'add', [{ state: 'started', at: 2 }]);
    leaving.unsubscribe();
    inbox.note('v', 'add', [{ state: 'progress', at: 3 }]);
    expect([inbox.size, seen.all.length]).toEqual([0, 2]);
  });

  it('is withdrawn by whoever leaves, also while it is on its way out', async () => {
    const withdrawn: string[] = [];
    const first = callOf(() => Promise.resolve(sent('u1')), (uuid) => withdrawn.push(uuid)).subscribe();
    await Promise.resolve();
    await Promise.resolve();
    first.unsubscribe();
    const gate = new Signal<PublishedTask>();
    callOf(() => gate.promise, (uuid) => withdrawn.push(uuid)).subscribe().unsubscribe();
    gate.fire(sent('u2'));
    await gate.promise;
    await Promise.resolve();
    expect(withdrawn).toEqual(['u1', 'u2']);
  });
});
