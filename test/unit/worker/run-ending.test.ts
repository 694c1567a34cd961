import { describe, expect, it } from 'vitest';
import { GiveUp, SucceedEarly } from '../../../lib/task/verdicts.js';
import { GiveBack } from '../../../lib/worker/give-back.js';
import { endingByFailure, endingByThrow, type Ended } from '../../../lib/worker/run-ending.js';

const run: Ended = { attempt: 1, retry: undefined, cancelled: undefined, isAborted: false };
const retry = { attempts: 2, backoff: 'fixed' as const, delaySeconds: 2, jitter: 0 };
const error = new Error('x');

describe('how a run ends by what its handler throws', () => {
  it('is its own failure: a dead letter, or the next attempt', () => {
    expect(endingByThrow(error, run, 0)).toEqual({ kind: 'bury', reason: 'failed', error });
    expect(endingByThrow(error, { ...run, retry }, 0)).toEqual({ kind: 'retry', delayMs: 2_000, attempt: 2, error });
    expect(endingByFailure(error, 'timed-out', run, 0)).toEqual({ kind: 'bury', reason: 'timed-out', error });
  });

  it('is a verdict of the handler, or a place to wait for', () => {
    expect(endingByThrow(new SucceedEarly(7), run, 0)).toEqual({ kind: 'succeed', value: 7 });
    expect(endingByThrow(new GiveUp('no customer'), { ...run, retry }, 0)).toMatchObject({ kind: 'bury', reason: 'failed', error: { message: 'no customer' } });
    expect(endingByThrow(new GiveBack(1.5, 'full', { mine: 1 }), run, 0)).toEqual({ kind: 'wait', delayMs: 1_500, reason: 'full', headers: { mine: 1 } });
  });

  it('is no failure where we asked it to stop for a shutdown, whatever it throws', () => {
    for (const thrown of [error, new SucceedEarly(7), new GiveBack(1, 'full')]) {
      expect(endingByThrow(thrown, { ...run, retry, isAborted: true }, 0)).toEqual({ kind: 'requeue' });
    }
  });

  it('is cancelled where it was called off, unless it has succeeded; the shutdown comes second', () => {
    const calledOff = { ...run, retry, cancelled: 'withdrawn', isAborted: true };
    for (const thrown of [error, new GiveUp('no'), new GiveBack(1, 'full')]) {
      expect(endingByThrow(thrown, calledOff, 0)).toEqual({ kind: 'cancel', reason: 'withdrawn' });
    }
    expect(endingByThrow(new SucceedEarly(7), calledOff, 0)).toEqual({ kind: 'succeed', value: 7 });
    expect(endingByFailure(error, 'timed-out', calledOff, 0)).toEqual({ kind: 'cancel', reason: 'withdrawn' });
  });
});
