import { afterEach, describe, expect, it } from 'vitest';
import { KeptRecords } from '../../../../lib/results/replies/kept-records.js';
import { ReplyInbox } from '../../../../lib/results/replies/reply-inbox.js';
import { encodeTaskResult } from '../../../../lib/results/result-codec.js';
import { waitForEnd } from '../../../../lib/results/result-reader.js';
import { advance, newTaskResult, type TaskOutcome, type TaskResult, type TimelineEntry } from '../../../../lib/results/task-result.js';

const open = new AbortController().signal;
const warnings: string[] = [];
const told: [worker: string, uuid: string, listening: boolean][] = [];
let clock = 1_000;
let inbox = make();

function make(expiresInMs = 60_000): ReplyInbox {
  return new ReplyInbox({ expiresInMs, warn: (message) => warnings.push(message), tell: (...note) => told.push(note) }, () => clock);
}

function report(uuid: string, entries: TimelineEntry[], outcome?: TaskOutcome): Buffer {
  return encodeTaskResult(advance(newTaskResult(uuid, 'add'), entries, outcome));
}

const progress = (uuid: string, fraction: number): Buffer => report(uuid, [{ state: 'progress', at: 5, attempt: 1, fraction }]);
const succeeded = (uuid: string, value: unknown): Buffer => report(uuid, [{ state: 'succeeded', at: 9, attempt: 1, worker: 'w' }], { kind: 'value', value });

afterEach(() => {
  inbox.close();
  inbox = make();
  warnings.length = 0;
  told.length = 0;
  clock = 1_000;
});

describe('replies', () => {
  it('reach whoever waits, before or after they came', async () => {
    const waiting = waitForEnd(inbox, 'early', 1_000, open);
    inbox.receive(succeeded('early', 1n));
    inbox.receive(succeeded('late', 2));
    expect((await waiting).outcome).toEqual({ kind: 'value', value: 1n });
    expect((await waitForEnd(inbox, 'late', 1_000, open)).outcome).toEqual({ kind: 'value', value: 2 });
    expect((await waitForEnd(inbox, 'early', 1_000, open)).outcome).toEqual({ kind: 'value', value: 1n });
  });

  it('make one story, whatever comes twice or late', async () => {
    inbox.expect('u', 'add');
    inbox.receive(report('u', [{ state: 'received', at: 2, attempt: 1, worker: 'w' }, { state: 'started', at: 3, attempt: 1, worker: 'w' }]));
    inbox.note('u', 'add', [{ state: 'published', at: 1 }]);
    inbox.receive(report('u', [{ state: 'progress', at: 4, attempt: 1, fraction: 0.5 }]));
    inbox.receive(succeeded('u', 'first'));
    inbox.receive(succeeded('u', 'second'));
    inbox.receive(report('u', [{ state: 'started', at: 10, attempt: 1 }]));
    const result = await inbox.read('u');
    expect(result).toMatchObject({ name: 'add', state: 'succeeded', outcome: { value: 'first' } });
    expect(result?.timeline.map(({ state }) => state)).toEqual(['published', 'received', 'started', 'progress', 'succeeded']);
  });

  it('of a replayed task begin a new record', async () => {
    inbox.receive(report('u', [{ state: 'failed', at: 1, attempt: 1 }]));
    inbox.receive(report('u', [{ state: 'published', replayed: true, at: 2 }, { state: 'started', at: 3, attempt: 1 }]));
    expect((await inbox.read('u'))?.state).toBe('started');
    inbox.receive(succeeded('u', 7));
    expect((await waitForEnd(inbox, 'u', 1_000, open)).outcome).toEqual({ kind: 'value', value: 7 });
  });

  it('that are none are dropped with a word', () => {
    inbox.receive(Buffer.from('{"v":1}'));
    inbox.receive(Buffer.from([0xff, 0]));
    expect(warnings).toHaveLength(2);
    expect(inbox.size).toBe(0);
  });

  it('of tasks that nobody is interested in any more are dropped as they come', async () => {
    inbox.expect('u', 'add');
    inbox.forget('u');
    inbox.receive(report('u', [{ state: 'started', at: 1 }]));
    inbox.receive(succeeded('u', 1));
    expect([inbox.size, inbox.knows('u'), await inbox.read('u')]).toEqual([0, false, undefined]);
    // Its end has gone by: the uuid is free again.
    inbox.receive(succeeded('u', 2));
    expect(inbox.knows('u')).toBe(true);
  });

  it('of tasks that nobody listens to any more are still kept, and the worker of their progress is told', async () => {
    inbox.expect('u', 'add');
    const stop = inbox.watch('u', () => undefined);
    inbox.receive(progress('u', 0.1), 'worker');
    stop();
    expect(told).toEqual([]);
    inbox.receive(progress('u', 0.2), 'worker');
    inbox.receive(progress('u', 0.3), 'worker');
    expect(told).toEqual([['worker', 'u', false]]);
    expect((await inbox.read('u'))?.timeline.at(-1)?.fraction).toBe(0.3);
    inbox.watch('u', () => undefined);
    expect(told.at(-1)).toEqual(['worker', 'u', true]);
    inbox.receive(progress('u', 0.4), 'worker');
    expect(told).toHaveLength(2);
  });

  it('of tasks whose subscribers have left stop, though somebody waits for the end', async () => {
    const waiting = waitForEnd(inbox, 'u', 1_000, open);
    const [one, other] = [inbox.watch('u', () => undefined), inbox.watch('u', () => undefined)];
    one();
    one();
    inbox.receive(progress('u', 0.1), 'worker');
    expect(told).toEqual([]);
    other();
    inbox.receive(progress('u', 0.2), 'worker');
    expect(told).toEqual([['worker', 'u', false]]);
    inbox.receive(succeeded('u', 1), 'worker');
    expect((await waiting).outcome).toEqual({ kind: 'value', value: 1 });
    expect(told).toHaveLength(1);
  });

  it('go on where nobody has ever listened: their state may be asked for', async () => {
    inbox.expect('u', 'add');
    await waitForEnd(inbox, 'u', 1, open).catch(() => undefined);
    inbox.receive(progress('u', 0.1), 'worker');
    expect(told).toEqual([]);
  });

  it('of tasks that were withdrawn stop, and are heard again by who listens after all', async () => {
    inbox.expect('u', 'add');
    inbox.forget('u');
    inbox.receive(progress('u', 0.1), 'worker');
    // One of a worker that cannot be told, as those of an older version.
    inbox.receive(progress('u', 0.2));
    expect([told, inbox.size]).toEqual([[['worker', 'u', false]], 0]);
    const waiting = waitForEnd(inbox, 'u', 1_000, open);
    inbox.watch('u', () => undefined);
    expect(told.at(-1)).toEqual(['worker', 'u', true]);
    inbox.receive(succeeded('u', 1));
    expect((await waiting).outcome).toEqual({ kind: 'value', value: 1 });
  });

  it('that end a task that nobody listens to leave nothing to be told', () => {
    const stop = inbox.watch('u', () => undefined);
    stop();
    inbox.receive(succeeded('u', 1), 'worker');
    inbox.receive(progress('u', 0.5), 'worker');
    expect(told).toEqual([]);
  });

  it('still reach others who wait when one is not interested any more', async () => {
    inbox.expect('u', 'add');
    const waiting = waitForEnd(inbox, 'u', 1_000, open);
    inbox.forget('u');
    inbox.receive(succeeded('u', 1));
    expect((await waiting).outcome).toEqual({ kind: 'value', value: 1 });
  });

  it('go on to others when one listener throws', () => {
    const seen: TaskResult[] = [];
    inbox.watch('u', () => { throw new Error('oops'); });
    const stop = inbox.watch('u', (result) => seen.push(result));
    inbox.receive(report('u', [{ state: 'started', at: 1 }]));
    stop();
    stop();
    inbox.receive(succeeded('u', 1));
    expect(seen).toHaveLength(1);
    expect(warnings[0]).toContain('oops');
  });

  it('that were told are kept for a thousand tasks, however many come', async () => {
    for (let i = 0; i < 3_000; i++) {
      inbox.expect(`u${i}`, 'add');
      const waiting = waitForEnd(inbox, `u${i}`, 1_000, open);
      inbox.receive(succeeded(`u${i}`, i));
      await waiting;
    }
    expect(inbox.size).toBe(1_000);
    expect((await inbox.read('u2999'))?.state).toBe('succeeded');
  });

  it('that nobody asks for are kept up to a bound of bytes, and the loss is told', () => {
    const value = 'x'.repeat(1024 * 1024);
    for (let i = 0; i < 100; i++) inbox.receive(succeeded(`u${i}`, value));
    expect(inbox.size).toBe(63);
    expect(inbox.knows('u0')).toBe(false);
    expect(inbox.knows('u99')).toBe(true);
    expect(warnings).toHaveLength(1);
  });

  it('end with the wait of whoever stays too long, and with the dispatcher', async () => {
    await expect(waitForEnd(inbox, 'u', 1, open)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_RESULT_WAIT_TIMEOUT' });
    const closing = new AbortController();
    const waiting = waitForEnd(inbox, 'u', 10_000, closing.signal);
    closing.abort(new Error('closing'));
    await expect(waiting).rejects.toThrow('closing');
    await expect(waitForEnd(inbox, 'u', 10_000, closing.signal)).rejects.toThrow('closing');
  });
});

describe('kept records', () => {
  const record = (at: number, bytes = 10): { result: TaskResult; bytes: number; at: number } => ({ result: newTaskResult('u', 'n'), bytes, at });

  it('go when they are too old, too many or too large, the oldest first', () => {
    const records = new KeptRecords({ count: 3, bytes: 100, ageMs: 50 });
    for (const [uuid, at] of [['a', 1], ['b', 2], ['c', 3]] as const) expect(records.put(uuid, record(at))).toEqual([]);
    expect(records.put('a', record(4))).toEqual([]);
    expect(records.put('d', record(5))).toEqual([record(2)]);
    expect(records.put('e', record(6, 80))).toEqual([record(3)]);
    expect(records.put('f', record(7, 20)).map(({ at }) => at)).toEqual([4, 5]);
    expect(records.size).toBe(2);
    records.expire(56);
    expect([records.get('e'), records.get('f')?.at]).toEqual([undefined, 7]);
    expect(records.take('f')?.at).toBe(7);
    expect([records.take('f'), records.size]).toEqual([undefined, 0]);
  });
});
