import { describe, expect, it } from 'vitest';
import { StepError } from '../../../../lib/index.js';
import { messageFrom, messageText } from '../../../../lib/worker/steps/parked-message.js';
import { afterEnd, expiryOf, lookMs, parkedRecord, stillWaits } from '../../../../lib/worker/steps/record-changes.js';
import { decodeRecord, encodeRecord, FIRST_TURN, newRecord, type StepEntry, type StepsRecord, withEntry, withSignal } from '../../../../lib/worker/steps/steps-record.js';

const HOUR_MS = 3_600_000;
const owned: StepsRecord = newRecord('pay', FIRST_TURN, { process: 'p', run: 'r' });
const wait: StepEntry = { kind: 'wait', name: 'approved', at: 1_000, until: 1_000 + 10 * HOUR_MS };
const sleep: StepEntry = { kind: 'sleep', name: 'pause', at: 1_000, until: 1_000 + 5 * HOUR_MS };
const signal = { name: 'approved', at: 5, value: '1', id: 'i' };
const about = { now: 1_000, queue: 'q', message: 'text', room: 10_000 };

describe('the record of a task', () => {
  it('is read as it was written', () => {
    const entry: StepEntry = { kind: 'step', name: '__proto__', at: 1, attempt: 1, durationMs: 3, value: '{"a":"\\u0000"}', version: 2 };
    const whole = { ...withSignal(withEntry(owned, entry, wait), signal), parked: { since: 1, until: 2, signals: ['a'], queue: 'q', message: 'm' }, calledOff: 'why', copiesUntil: 9 };
    expect(decodeRecord(encodeRecord(whole))).toEqual(whole);
  });

  it.each(['', 'null', '[]', '{}', '{"v":2}', '{"v":1,"task":1}', '{"v":1,"task":"t","state":"odd","turn":{},"entries":[],"signals":[],"copiesUntil":0}',
    '{"v":1,"task":"t","state":"open","turn":{"replays":0,"wake":0,"attempt":1,"copy":""},"entries":[null],"signals":[],"copiesUntil":0}'])('is none in %j', (text) => {
    expect(() => decodeRecord(Buffer.from(text))).toThrow(StepError);
  });

  it('waits for the earliest of several, and looks every quarter of an hour for a signal', () => {
    const parked = parkedRecord(owned, [wait, sleep], { ...about, until: sleep.until });
    expect(parked).toMatchObject({ parked: { since: 1_000, until: sleep.until, signals: ['approved'], message: 'text' }, copiesUntil: 1_000 + HOUR_MS / 4 });
    expect(parked.owner).toBeUndefined();
    const asleep = parkedRecord(owned, [sleep], { ...about, until: sleep.until });
    expect(asleep.copiesUntil).toBe(sleep.until);
  });

  it('leaves out a message for which there is no room, and looks sooner', () => {
    const parked = parkedRecord(owned, [wait], { ...about, until: wait.until, message: 'x'.repeat(10_000) });
    expect(parked.parked?.message).toBeUndefined();
    expect(parked.copiesUntil).toBe(31_000);
  });

  it('goes on at once where its signal has come, or it was called off', () => {
    expect(parkedRecord(withSignal(owned, signal), [wait], { ...about, until: wait.until }).parked).toBeUndefined();
    expect(parkedRecord({ ...owned, calledOff: 'why' }, [wait], { ...about, until: wait.until }).parked).toBeUndefined();
  });

  it('still waits until the time, a signal, or a cancellation', () => {
    const parked = parkedRecord(owned, [wait], { ...about, until: wait.until });
    const next = { ...FIRST_TURN, wake: 1, copy: 'a' };
    expect(stillWaits(parked, next, 2_000)).toBeDefined();
    expect(stillWaits(parked, FIRST_TURN, 2_000)).toBeUndefined();
    expect(stillWaits(parked, { ...next, wake: 2 }, 2_000)).toBeUndefined();
    expect(stillWaits(parked, { ...next, replays: 1 }, 2_000)).toBeUndefined();
    expect(stillWaits(parked, next, wait.until)).toBeUndefined();
    expect(stillWaits(withSignal(parked, signal), next, 2_000)).toBeUndefined();
    expect(stillWaits({ ...parked, calledOff: 'why' }, next, 2_000)).toBeUndefined();
    expect(lookMs({ since: 0, until: 500, signals: ['a'], queue: 'q' }, 1_000)).toBe(0);
  });

  it('is kept beyond what it waits for, and its end beyond all copies', () => {
    const parked = parkedRecord(owned, [sleep], { ...about, until: sleep.until });
    expect(expiryOf(parked, 1_000, 7)).toBe(7 + 5 * HOUR_MS);
    expect(expiryOf(owned, 1_000, 7)).toBe(7);
    const ended = afterEnd({ ...parked, owner: { process: 'p', run: 'r' } }, { kind: 'cancelled', reason: 'why' }, 1_000) as StepsRecord;
    expect(ended).toMatchObject({ state: 'ended' });
    expect(ended.entries.size).toBe(0);
    expect(expiryOf(ended, 1_000, 7)).toBe(6 * HOUR_MS);
  });

  it('keeps its steps when the task fails, for a replay, and for its next attempt', () => {
    const done = withEntry(owned, sleep);
    expect(afterEnd(done, { kind: 'failed', reason: 'failed', error: new Error('no') }, 1_000)).toMatchObject({ state: 'failed', entries: done.entries });
    const next = afterEnd(done, { kind: 'retrying', attempt: 2, delayMs: 50, error: new Error('no') }, 1_000) as StepsRecord;
    expect(next).toMatchObject({ state: 'open', turn: { attempt: 2 }, entries: done.entries, copiesUntil: 1_050 });
    expect(next.owner).toBeUndefined();
    expect(afterEnd(done, { kind: 'suspended', delayMs: 1 }, 1_000)).toBeUndefined();
    expect(afterEnd(done, { kind: 'dropped' }, 1_000)).toBeUndefined();
  });
});

describe('the message of a task that waits', () => {
  const body = Buffer.from([0, 255, 1]);

  it('is published as it was, as one copy of its wake', () => {
    const properties = { messageId: 'u', headers: { own: 'x', list: [1, null, { a: true }] }, contentType: 'application/json' };
    const text = messageText({ body, properties }) as string;
    expect(messageFrom(text, 2, 'copy')).toEqual({ body, properties: { ...properties, headers: { ...properties.headers, 'x-dispatcher-steps': '2 copy' } } });
  });

  it('is not kept where a text cannot say it', () => {
    for (const value of [Buffer.from('x'), new Date(), 1n, NaN, new Map()]) expect(messageText({ body, properties: { headers: { odd: value as unknown as string } } })).toBeUndefined();
  });
});
