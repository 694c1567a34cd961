import { describe, expect, it } from 'vitest';
import { endedRecord, FIRST_TURN, newRecord, type StepsRecord, type Turn } from '../../../../lib/worker/steps/steps-record.js';
import { judgeTurn, stepsHeader, turnAfter, turnOf } from '../../../../lib/worker/steps/turn.js';

const turn = (changes: Partial<Turn> = {}): Turn => ({ ...FIRST_TURN, ...changes });
const record = (changes: Partial<StepsRecord> = {}, of: Partial<Turn> = {}): StepsRecord => ({ ...newRecord('pay', turn(of)), ...changes });
const seen = { redelivered: false, ownerLives: false, uuid: 'order-1' };

describe('the turn of a delivery', () => {
  it('is what its headers say', () => {
    expect(turnOf({ headers: {}, attempt: 2 })).toEqual({ replays: 0, wake: 0, attempt: 2, copy: '', origin: '' });
    expect(turnOf({ headers: { 'x-dispatcher-steps': '3 abc', 'x-dispatcher-replays': 1 }, attempt: 1 })).toEqual({ replays: 1, wake: 3, attempt: 1, copy: 'abc', origin: '' });
    const next = turnAfter(turn({ wake: 3 }), 'def');
    expect(turnOf({ headers: { 'x-dispatcher-steps': stepsHeader(next) }, attempt: 1 })).toEqual(next);
    expect(stepsHeader(turn())).toBe('0');
  });

  it('is the first where a header says something else', () => {
    for (const header of ['', 'x', '-1 a', '1.5', '1e99', 7, null, [], {}]) expect(turnOf({ headers: { 'x-dispatcher-steps': header as string }, attempt: 1 }).wake).toBe(0);
  });
});

describe('a delivery', () => {
  it('begins where nothing is known, and is lost where it has waited', () => {
    expect(judgeTurn(turn(), undefined, seen)).toBe('begin');
    expect(judgeTurn(turn({ wake: 1, copy: 'a' }), undefined, seen)).toBe('lost');
  });

  it('takes what a signal has begun', () => {
    expect(judgeTurn(turn(), record({ state: 'unseen' }), seen)).toBe('take');
  });

  it('takes what nobody has: of a later attempt, wake or replay, and its own that came back', () => {
    expect(judgeTurn(turn({ attempt: 2 }), record(), seen)).toBe('take');
    expect(judgeTurn(turn({ wake: 1, copy: 'a' }), record(), seen)).toBe('take');
    expect(judgeTurn(turn({ replays: 1 }), record({}, { wake: 5, attempt: 3, copy: 'z' }), seen)).toBe('take');
    expect(judgeTurn(turn({ wake: 1, copy: 'a' }), record({}, { wake: 1, copy: 'a' }), { ...seen, redelivered: true })).toBe('take');
  });

  it('waits while its owner lives, and is dropped where it is of less', () => {
    expect(judgeTurn(turn(), record(), { ...seen, redelivered: true, ownerLives: true })).toBe('wait');
    expect(judgeTurn(turn({ wake: 2, copy: 'b' }), record({}, { wake: 1, copy: 'a' }), { ...seen, ownerLives: true })).toBe('wait');
    expect(judgeTurn(turn({ wake: 1, copy: 'a' }), record({}, { wake: 2, copy: 'b' }), { ...seen, ownerLives: true })).toBe('drop');
    expect(judgeTurn(turn(), record({}, { attempt: 2 }), { ...seen, redelivered: true })).toBe('drop');
  });

  it('is dropped where another copy of the same wake goes on', () => {
    expect(judgeTurn(turn({ wake: 1, copy: 'b' }), record({}, { wake: 1, copy: 'a' }), seen)).toBe('drop');
  });

  it('is dropped where the task has ended, unless it is another of the same uuid or a replay', () => {
    const ended = endedRecord(record({}, { wake: 2, copy: 'a' }));
    expect(judgeTurn(turn({ wake: 2, copy: 'a' }), ended, { ...seen, redelivered: true })).toBe('drop');
    expect(judgeTurn(turn({ wake: 2, copy: 'b' }), ended, seen)).toBe('drop');
    expect(judgeTurn(turn(), ended, { ...seen, redelivered: true })).toBe('drop');
    expect(judgeTurn(turn(), ended, seen)).toBe('begin');
    expect(judgeTurn(turn({ replays: 1 }), ended, seen)).toBe('begin');
  });

  it('that a killed server brings again as if it were new is dropped, where its message says when it was published, or its uuid is none that anybody would give again', () => {
    const published = (at: number): Turn => turnOf({ headers: { 'x-dispatcher-published': at }, attempt: 1 });
    for (const state of ['ended', 'failed'] as const) {
      const over = (origin: Turn): StepsRecord => ({ ...newRecord('pay', { ...origin, wake: 2, copy: 'a' }), state });
      const again = state === 'ended' ? 'begin' : 'take';
      expect(judgeTurn(published(1_000), over(published(1_000)), seen)).toBe('drop');
      expect(judgeTurn(published(1_001), over(published(1_000)), seen)).toBe(again);
      expect(judgeTurn(turn(), over(published(1_000)), seen)).toBe(again);
      expect(judgeTurn(published(1_000), over(turn()), seen)).toBe(again);
      expect(judgeTurn(turn(), over(turn()), seen)).toBe(again);
      expect(judgeTurn(turn(), over(turn()), { ...seen, uuid: '3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11' })).toBe('drop');
    }
  });

  it('of what is a dead letter goes on by its replay', () => {
    const failed = record({ state: 'failed' }, { wake: 1, attempt: 3, copy: 'a' });
    expect(judgeTurn(turn({ wake: 1, attempt: 3, copy: 'a' }), failed, { ...seen, redelivered: true })).toBe('drop');
    expect(judgeTurn(turn({ replays: 1 }), failed, seen)).toBe('take');
  });
});
