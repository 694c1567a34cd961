import { expect, it } from 'vitest';
import { awaitingRetry, narrowed } from '../../../lib/inspection/retrying.js';
import { end, run } from '../../support/scripted-inspection.js';

const failed = (uuid: string, endedAt: number): ReturnType<typeof end> => end({ uuid, state: 'retrying', startedAt: endedAt - 10, endedAt });

it('tells of each task its last failure, unless something came after it', () => {
  const failures = [failed('a', 100), failed('b', 300), failed('a', 200), failed('runs', 400), failed('done', 500), failed('replayed', 600)];
  const others = [run({ uuid: 'runs', startedAt: 450 }), end({ uuid: 'done', state: 'succeeded', startedAt: 550, endedAt: 560 }), end({ uuid: 'replayed', state: 'failed', startedAt: 10, endedAt: 20 }), ...failures];
  expect(awaitingRetry(failures, others).map(({ uuid, endedAt }) => `${uuid} ${endedAt}`)).toEqual(['replayed 600', 'b 300', 'a 200']);
});

it('does not take a failure for its own successor that began and ended in the same millisecond', () => {
  const failure = end({ uuid: 'quick', state: 'retrying', startedAt: 100, endedAt: 100 });
  expect(awaitingRetry([failure], [failure])).toEqual([failure]);
  expect(awaitingRetry([failure], [failure, end({ uuid: 'quick', attempt: failure.attempt + 1, startedAt: 100, endedAt: 100 })])).toEqual([]);
});

it('asks about later attempts without what holds for the failure alone', () => {
  expect(narrowed({ uuid: 'u', name: 'n', queue: 'q', error: 'e', worker: 'w', process: 'p', since: 1, until: 2, args: { 0: 1 } })).toEqual({ uuid: 'u', name: 'n', queue: 'q' });
  expect(narrowed({})).toEqual({});
});
