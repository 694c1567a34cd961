import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { type ActionInfo, type DispatcherService, type StampedEvent, Task, task, chain } from '../../lib/index.js';
import { bothBrokers, oneWorker, startOn } from '../support/nest-on-broker.js';
import { eventually } from '../support/wait.js';

/** Machines that have more to do answer later. */
const OPTIONS = { timeoutMs: 3_000 };

@Injectable()
class Tasks {
  @Task('fails') fails(): never { throw new Error('no'); }
}

type Done = Pick<StampedEvent & { type: 'action.performed' }, 'action' | 'what' | 'by' | 'count'>;

function watched(service: DispatcherService): StampedEvent[] {
  const seen: StampedEvent[] = [];
  service.events({ origin: 'action' }).subscribe((event) => seen.push(event));
  return seen;
}

function short(events: readonly (StampedEvent | ActionInfo)[]): unknown[] {
  return events.map((event) => {
    const { action, what, by, count } = event as unknown as Done;
    return [action, what, by, count];
  });
}

describe.concurrent.each(bothBrokers('audit'))('what is done: %s', (_title, url) => {
  it('is told once each, and listed', async () => {
    const config = oneWorker(url(), 'audit');
    const { service } = await startOn(config, { providers: [Tasks] });
    const { queue } = config.workers[0];
    const seen = watched(service);
    await service.publishMany([1, 2, 3, 4].map(() => ({ name: 'fails' })));
    await eventually(() => service.deadLetters.list(queue), ({ total }) => total === 4, 'the dead letters');
    const [first] = (await service.deadLetters.list(queue)).letters;
    await service.pause({ queue }, { by: 'ann', reason: 'tests' });
    await service.deadLetters.replay(queue, first!.id);
    await service.deadLetters.replayAll(queue, { filter: { name: 'fails' }, limit: 1 });
    await service.deadLetters.discardAll(queue, { limit: 1 });
    await service.deadLetters.trim(queue, { maxCount: 0 });
    await service.purge(queue);
    await service.cancel(['a', 'b'], { by: 'bob' });
    await service.resume({ queue });
    await service.resume({ queue });
    await expect(service.purge(`${queue}.none`)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_NOT_FOUND' });
    await service.schedules.add({ name: 'nightly', cron: '0 0 1 1 *', task: { name: 'fails' } });
    await service.schedules.pause('nightly', { by: 'ann', reason: 'tests' });
    await service.schedules.resume('nightly');
    const { uuid } = await service.schedules.trigger('nightly');
    await service.schedules.remove('nightly');
    const workflow = await service.publish(chain(task('fails'), task('fails')));
    await eventually(() => workflow.progress(), (progress) => progress?.status === 'failed', 'the workflow');
    expect(await workflow.retry()).toBe(1);
    await eventually(() => workflow.progress(), (progress) => progress?.status === 'failed', 'the workflow again');
    expect(await workflow.cancel('over')).toBe(true);
    const expected = [
      ['pause', { queue }, 'ann', undefined],
      ['dead-letters.replay', { queue, id: first!.id }, undefined, 1],
      ['dead-letters.replay', { queue, name: 'fails', limit: 1 }, undefined, 1],
      ['dead-letters.discard', { queue, limit: 1 }, undefined, 1],
      ['dead-letters.trim', { queue, maxCount: 0 }, undefined, 1],
      ['purge', { queue }, undefined, 2],
      ['cancel', { uuid: 'a', more: 1 }, 'bob', 2],
      ['resume', { queue }, undefined, 1],
      ['resume', { queue }, undefined, 0],
      ['purge', { queue: `${queue}.none` }, undefined, undefined],
      ['schedule.pause', { schedule: 'nightly' }, 'ann', undefined],
      ['schedule.resume', { schedule: 'nightly' }, undefined, 1],
      ['schedule.trigger', { schedule: 'nightly' }, undefined, undefined],
      ['schedule.remove', { schedule: 'nightly' }, undefined, undefined],
      ['workflow.retry', { workflow: workflow.uuid }, undefined, 1],
      ['workflow.cancel', { workflow: workflow.uuid }, undefined, 1],
    ];
    expect(uuid).toBeDefined();
    expect(short(seen)).toEqual(expected);
    expect(seen.filter(({ type }) => type === 'action.failed')).toMatchObject([{ level: 'log', error: { code: 'ERR_DISPATCHER_NOT_FOUND' } }]);
    const listed = await service.inspect.audit({}, OPTIONS);
    expect(short(listed.toReversed())).toEqual(expected);
    expect(listed[0]).toMatchObject({ pid: process.pid, id: expect.any(String), at: expect.any(Number), reason: 'over' });
    expect(short(await service.inspect.audit({ action: 'schedule.*', by: 'ann' }, OPTIONS))).toEqual([expected[10]]);
    expect((await service.inspect.audit({ action: 'purge' }, OPTIONS)).map(({ error }) => error !== undefined)).toEqual([true, false]);
    expect((await service.inspect.audit({ limit: 2 }, OPTIONS))).toHaveLength(2);
  });

  it('is known of other processes, of those that tell nothing of themselves, and of those that have closed', async () => {
    const config = oneWorker(url(), 'audit');
    const { queue } = config.workers[0];
    const { service } = await startOn(config, { providers: [Tasks] });
    const other = await startOn({ ...config, role: 'publisher', workers: [] });
    const silent = await startOn({ ...config, role: 'publisher', workers: [], inspection: { enabled: false } });
    // Whoever is told must hear by then.
    await eventually(() => service.inspect.processes(OPTIONS), (processes) => processes.length === 2, 'the other process');
    await other.service.pause({ queue }, { by: 'ann', reason: 'tests' });
    await silent.service.resume({ queue });
    const both = [['resume', { queue }, undefined, 1], ['pause', { queue }, 'ann', undefined]];
    await eventually(() => service.inspect.audit({}, OPTIONS), (actions) => actions.length === 2, 'both actions');
    expect(short(await service.inspect.audit({}, OPTIONS))).toEqual(both);
    await silent.app.close();
    await other.app.close();
    await eventually(() => service.inspect.audit({}, OPTIONS), (actions) => actions.length === 2, 'both actions, still');
    expect(short(await service.inspect.audit({}, OPTIONS))).toEqual(both);
  });
});
