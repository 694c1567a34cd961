import { describe, expect, it } from 'vitest';
import { checkActionOptions, checkCancelOptions, checkReplayOptions, checkSelection, namesOf } from '../../../../lib/dispatcher/actions/action-options.js';
import { ActionTally } from '../../../../lib/dispatcher/actions/action-result.js';
import { KnownNames, meant } from '../../../../lib/dispatcher/actions/known-names.js';
import { process } from '../../../support/scripted-inspection.js';

describe('what actions are given', () => {
  const by = { by: 'ann' };
  it.each([
    ['nobody', () => checkActionOptions({} as never, 'actions.purge'), /needs by/],
    ['a blank', () => checkActionOptions({ ...by, expected: undefined } as never, 'actions.purge'), /expected of actions.purge is undefined/],
    ['a typing error', () => checkActionOptions({ ...by, dryrun: true } as never, 'actions.purge'), /Did you mean "dryRun"/],
    ['a negative count', () => checkActionOptions({ ...by, expected: -1 }, 'actions.purge'), /expected/],
    ['an object among the details', () => checkActionOptions({ ...by, details: { a: {} as never } }, 'actions.purge'), /details/],
    ['no reason where one is needed', () => checkActionOptions(by, 'actions.pause', ['by', 'reason']), /needs reason/],
    ['another place', () => checkCancelOptions({ ...by, where: 'nowhere' as never }), /where/],
    ['too large a look', () => checkCancelOptions({ ...by, peek: 1_000_000 }), /peek/],
    ['an option of another call', () => checkReplayOptions({ ...by, peek: 1 } as never), /no option "peek"/],
    ['no queue', () => checkSelection({ filter: { name: 'a' } }, 'actions.discard'), /needs queue/],
    ['an empty queue', () => checkSelection({ queue: '' }, 'actions.discard'), /queue/],
    ['no queues', () => checkSelection({ queue: [] }, 'actions.discard'), /queue/],
    ['a blank group', () => checkSelection({ queue: 'a', group: undefined } as never, 'actions.discard'), /group/],
    ['no name', () => namesOf('', 'What is purged'), /must be/],
  ])('is refused before anything is done: %s', (_what, check, message) => {
    expect(check).toThrow(message);
  });

  it('may be a group alone', () => {
    expect(checkSelection({ group: 'x' }, 'actions.discard')).toEqual({ group: 'x' });
  });
});

describe('names', () => {
  it('are meant as they are, or all known ones that fit', async () => {
    expect(meant(['b', 'mail.*', 'mail.a'], ['mail.b', 'mail.a', 'mail.a', 'x'])).toEqual(['b', 'mail.a', 'mail.b']);
    const lost = process({ id: 'p2', status: 'lost' });
    const workers = [{ ...lost.workers[0]!, name: 'w', queue: 'gone', tasks: ['gone'] }];
    const names = new KnownNames({ processes: () => Promise.resolve([process(), { ...lost, workers }]), queues: () => [{ name: 'of-config' }] });
    expect(await Promise.all([names.meantBy('queue', ['*'], ['more']), names.meantBy('task', ['*']), names.meantBy('worker', ['*']), names.meantBy('queue', ['unknown'])]))
      .toEqual([['more', 'of-config', 'queue_1'], ['add'], ['worker_1'], ['unknown']]);
  });
});

describe('the count of an action', () => {
  const items = Array.from({ length: 150 }, (_, index) => ({ id: String(index) }));

  it('ends with what was expected, names the first 100, and does nothing in a dry run', async () => {
    const done: string[] = [];
    const [dry, real] = [new ActionTally(true, 120), new ActionTally(false, 120)];
    for (const tally of [dry, real]) await tally.each(items, async ({ id }) => { done.push(id); });
    expect(done).toEqual(items.slice(0, 120).map(({ id }) => id));
    expect(dry.result()).toEqual({ dryRun: true, matched: 120, done: 0, failed: [], concerned: items.slice(0, 100), truncated: false });
    expect(real.result()).toMatchObject({ dryRun: false, matched: 120, done: 120 });
  });

  it('goes on where one fails, and fails with what was alone', async () => {
    const several = new ActionTally(false, Infinity);
    await several.each(items, ({ id }) => (id === '3' ? Promise.reject(new Error('no')) : Promise.resolve()));
    expect(several.result()).toMatchObject({ matched: 150, done: 149, failed: [{ id: '3', error: 'no' }] });
    const alone = new ActionTally(false, Infinity);
    await alone.each([{ id: 'a' }], () => Promise.reject(new Error('no')));
    expect(() => alone.result()).toThrow('no');
    const all = new ActionTally(false, Infinity);
    await all.each([{ id: 'a' }, { id: 'b' }], () => Promise.reject(new Error('no')));
    expect(all.result()).toMatchObject({ done: 0, failed: [{ id: 'a' }, { id: 'b' }] });
    const dry = new ActionTally(true, Infinity);
    dry.concerns({ id: 'a' });
    dry.fail('b', new Error('no such queue'));
    expect(dry.result()).toMatchObject({ matched: 1, failed: [{ id: 'b' }] });
  });
});
