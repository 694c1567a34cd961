import { Injectable } from '@nestjs/common';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ActionResult, chain, type DispatcherService, type StampedEvent, Task, task, TaskContext } from '../../lib/index.js';
import { bothBrokers, ownQueue, startOn } from '../support/nest-on-broker.js';
import { eventually, Signal } from '../support/wait.js';

const ANN = { by: 'ann' };

@Injectable()
class Tasks {
  broken = true;
  readonly ran: unknown[] = [];
  readonly release = new Signal();
  @Task('charge') charge(customer: number): void {
    if (this.broken) throw new TypeError(`customer ${customer} has no card`);
    this.ran.push(customer);
  }

  @Task('refund') refund(customer: number): void {
    if (this.broken) throw new RangeError(`customer ${customer} is unknown`);
    this.ran.push(customer);
  }

  @Task('slow') async slow(@TaskContext() { signal }: TaskContext): Promise<void> {
    await Promise.race([this.release.promise, new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))]);
  }
}

interface Stage {
  readonly service: DispatcherService;
  readonly tasks: Tasks;
  readonly a: string;
  readonly b: string;
  readonly events: StampedEvent[];
}

/** Two queues, `a` and `b` by their routing keys, and what is told of actions. */
async function start(broker: string): Promise<Stage> {
  const { exchange, queue: a } = ownQueue(broker, 'actions');
  const b = `${a}.b`;
  if (broker.startsWith('amqp')) ownCleanUp(broker, exchange, b);
  const { app, service } = await startOn({
    broker, exchange, defaultRoutingKey: 'a', shutdownTimeoutSeconds: 10,
    workers: [{ name: 'wa', queue: a, bindingKeys: ['a'], limit: 5 }, { name: 'wb', queue: b, bindingKeys: ['b'], limit: 5 }],
  }, { providers: [Tasks] });
  const tasks = app.get(Tasks);
  onTestFinished(() => tasks.release.fire());
  const events: StampedEvent[] = [];
  service.events({ origin: 'action' }).subscribe((event) => events.push(event));
  return { service, tasks, a, b, events };
}

function ownCleanUp(broker: string, exchange: string, queue: string): void {
  onTestFinished(async () => {
    const { removeExchange } = await import('../support/amqp-clean-up.js');
    await removeExchange(broker, exchange, [queue]);
  });
}

async function bury({ service, a, b }: Stage): Promise<void> {
  await service.publishMany([1, 2, 3].flatMap((customer) => ['a', 'b'].flatMap((routingKey) => ['charge', 'refund'].map((name) => ({ name, routingKey, args: [{ type: 'int' as const, value: customer }] })))));
  for (const queue of [a, b]) await eventually(() => service.deadLetters.list(queue), ({ total }) => total === 6, 'the dead letters');
}

async function deadOf({ service, a, b }: Stage): Promise<[number, number]> {
  return [(await service.deadLetters.count(a)).count, (await service.deadLetters.count(b)).count];
}

const counts = ({ matched, done, failed, truncated }: ActionResult): unknown => ({ matched, done, failed: failed.length, truncated });
const all = (count: number): unknown => ({ matched: count, done: count, failed: 0, truncated: false });
const dry = (count: number): unknown => ({ matched: count, done: 0, failed: 0, truncated: false });

describe.each(bothBrokers('actions'))('actions on %s', (_title, url) => {
  it('replay and discard dead letters of several queues by filter, as many as a dry run has counted', async () => {
    const stage = await start(url());
    const { service: { actions }, tasks, a, b, events } = stage;
    await bury(stage);
    const which = { queue: `${a}*`, filter: { name: 'charge' } };
    const counted = await actions.discard(which, { ...ANN, dryRun: true });
    expect([counts(counted), await deadOf(stage), events]).toEqual([dry(6), [6, 6], []]);
    expect(counted.concerned).toHaveLength(6);
    expect(counted.concerned[0]).toMatchObject({ name: 'charge', queue: a });
    expect(counts(await actions.discard(which, { ...ANN, reason: 'test', expected: 4 }))).toEqual(all(4));
    expect(await deadOf(stage)).toEqual([3, 5]);
    expect(events).toMatchObject([{ type: 'action.performed', action: 'dead-letters.discard', by: 'ann', reason: 'test', what: { queue: `${a}*`, name: 'charge' }, count: 4 }]);
    tasks.broken = false;
    const edited = { edit: ({ args = [] }: { args?: { type: string; value: unknown }[] }) => [{ type: 'int' as const, value: Number(args[0]?.value) + 100 }] };
    const { letters: [first] } = await stage.service.deadLetters.list(a, { filter: { name: 'refund' } });
    expect(counts(await actions.replay({ queue: [a, b], ids: [first!.id, 'none'] }, { ...ANN, ...edited, dryRun: true }))).toEqual(dry(1));
    expect(counts(await actions.replay({ queue: [a, b], ids: [first!.id, 'none'] }, { ...ANN, ...edited }))).toEqual(all(1));
    await eventually(async () => tasks.ran, (ran) => ran.length === 1, 'the replayed task');
    expect(tasks.ran).toEqual([101]);
    expect(await actions.replay({ queue: b }, { ...ANN, edit: () => [{ type: 'int', value: 'x' }] })).toMatchObject({ matched: 5, done: 0, failed: expect.arrayContaining([{ id: expect.any(String), error: expect.stringContaining('int') }]) });
    expect(await deadOf(stage)).toEqual([2, 5]);
    await expect(actions.discard({ queue: `${a}.none` }, ANN)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_NOT_FOUND' });
    expect(events.at(-1)).toMatchObject({ type: 'action.failed', by: 'ann' });
  });

  it('retry, discard and annotate the failures of one kind, in all queues', async () => {
    const stage = await start(url());
    const { service, service: { actions }, tasks, a, b } = stage;
    await bury(stage);
    const groups = await service.inspect.failures();
    expect(groups.map(({ name, count, dead, queues }) => [name, count, dead, [...queues].sort()]).sort()).toEqual([['charge', 6, 6, [a, b]], ['refund', 6, 6, [a, b]]]);
    const [charge, refund] = ['charge', 'refund'].map((name) => groups.find((group) => group.name === name)?.id ?? '');
    await actions.annotateFailures(charge!, 'known; mended on Friday', ANN);
    await actions.annotateFailures(refund!, 'ours', ANN);
    expect(await actions.forgetNote(refund!, { ...ANN, dryRun: true })).toMatchObject({ matched: 1, done: 0 });
    expect((await service.inspect.failures({ name: 'refund' })).map(({ note }) => note?.text)).toEqual(['ours']);
    expect([await actions.forgetNote(refund!, ANN), await actions.forgetNote(refund!, ANN)].map(({ matched }) => matched)).toEqual([1, 0]);
    expect((await service.inspect.failures()).map(({ name, note }) => [name, note]).sort()).toEqual([['charge', { text: 'known; mended on Friday', by: 'ann', at: expect.any(Number) }], ['refund', undefined]]);
    tasks.broken = false;
    expect(counts(await actions.replay({ group: charge! }, { ...ANN, dryRun: true }))).toEqual(dry(6));
    expect(counts(await actions.replay({ group: charge! }, ANN))).toEqual(all(6));
    await eventually(async () => tasks.ran, (ran) => ran.length === 6, 'the replayed tasks');
    expect(await deadOf(stage)).toEqual([3, 3]);
    expect(counts(await actions.discard({ group: charge! }, ANN))).toEqual(all(0));
    expect(counts(await actions.discard({ group: refund!, queue: a }, ANN))).toEqual(all(3));
    expect(await deadOf(stage)).toEqual([0, 3]);
    await expect(actions.discard({ group: 'mail' }, ANN)).rejects.toThrow('named by its id');
  });

  it('pause and resume by pattern, purge what was counted, drain, and change limits', async () => {
    const stage = await start(url());
    const { service, service: { actions }, a, b, events } = stage;
    expect(await actions.pause({ queue: `${a}*` }, { ...ANN, reason: 'test', dryRun: true })).toMatchObject({ matched: 2, done: 0, concerned: [{ id: a }, { id: b }] });
    expect([await service.paused(), events]).toEqual([[], []]);
    expect(counts(await actions.pause({ queue: `${a}*` }, { ...ANN, reason: 'test' }))).toEqual(all(2));
    expect((await service.paused()).map(({ kind, name, by, reason }) => [kind, name, by, reason])).toEqual([['queue', a, 'ann', 'test'], ['queue', b, 'ann', 'test']]);
    expect(counts(await actions.pause({ task: 'ref*' }, { ...ANN, reason: 'test' }))).toEqual(all(1));
    await service.publishMany(['a', 'a', 'a', 'b', 'b'].map((routingKey) => ({ name: 'charge', routingKey, args: [{ type: 'int' as const, value: 1 }] })));
    expect(await actions.purge([a, b], { ...ANN, dryRun: true })).toMatchObject({ matched: 5, done: 0, concerned: [{ id: a, count: 3 }, { id: b, count: 2 }] });
    expect(await Promise.all([service.depth(a), service.depth(b)])).toEqual([3, 2]);
    expect(await actions.purge(`${a}*`, { ...ANN, expected: 4 })).toMatchObject({ matched: 4, done: 4, concerned: [{ id: a, count: 3 }, { id: b, count: 1 }] });
    expect(await Promise.all([service.depth(a), service.depth(b)])).toEqual([0, 1]);
    expect(await actions.purge([b, `${b}.none`], ANN)).toMatchObject({ matched: 1, done: 1, failed: [{ id: `${b}.none` }] });
    await expect(actions.purge(`${b}.none`, ANN)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_NOT_FOUND' });
    expect(counts(await actions.resume({ queue: '*' }, { ...ANN, dryRun: true }))).toEqual(dry(2));
    expect(counts(await actions.resume({ queue: '*' }, ANN))).toEqual(all(2));
    expect(counts(await actions.resume({ queue: a }, ANN))).toEqual(all(0));
    expect((await service.paused()).map(({ kind }) => kind)).toEqual(['task']);
    expect(await actions.limit('w*', 9, { ...ANN, dryRun: true })).toMatchObject({ matched: 2, done: 0 });
    expect(service.worker('wa').limit).toBe(5);
    expect(await actions.limit('w*', 9, ANN)).toMatchObject({ done: 2 });
    expect([service.worker('wa').limit, service.worker('wb').limit]).toEqual([9, 9]);
    expect(counts(await actions.drain({ queues: [a, b], timeoutSeconds: 20 }, ANN))).toEqual(all(0));
    expect(events.map((event) => ('action' in event ? event.action : ''))).toEqual(['pause', 'pause', 'purge', 'purge', 'purge', 'resume', 'resume', 'limit', 'drain']);
  });

  it('cancel what runs and what waits, by uuid and by filter', async () => {
    const stage = await start(url());
    const { service, service: { actions }, a, b, events } = stage;
    const slow = await service.publish({ name: 'slow', routingKey: 'a' });
    await eventually(() => service.inspect.running(), (runs) => runs.length === 1, 'it to run');
    await service.pause({ queue: b }, { by: 'test', reason: 'test' });
    events.length = 0;
    const waiting = await service.publishMany([1, 2, 3].map((customer) => ({ name: 'charge', routingKey: 'b', args: [{ type: 'json' as const, value: { customer: { id: customer } } }] })));
    const [, second] = waiting.map((outcome) => (outcome.accepted ? outcome.uuid : ''));
    const found = await actions.cancel({ name: '*' }, { ...ANN, dryRun: true });
    expect(counts(found)).toEqual(dry(4));
    expect(found.concerned.map(({ name, queue }) => [name, queue])).toEqual([['slow', a], ['charge', b], ['charge', b], ['charge', b]]);
    expect(await service.depth(b)).toBe(3);
    expect(counts(await actions.cancel({ name: '*' }, { ...ANN, dryRun: true, where: 'running' }))).toEqual(dry(1));
    expect(await actions.cancel({ queue: b }, { ...ANN, dryRun: true, peek: 2 })).toMatchObject({ matched: 2, truncated: true });
    const one = await actions.cancel({ args: { '0.customer.id': 2 } }, ANN);
    expect([counts(one), one.concerned]).toEqual([all(1), [{ id: second, name: 'charge', queue: b }]]);
    const seen: StampedEvent[] = [];
    service.events({ type: 'task.cancelled' }).subscribe((event) => seen.push(event));
    expect(counts(await actions.cancel({ name: 'sl*' }, { ...ANN, expected: 5 }))).toEqual(all(1));
    await eventually(async () => seen, (cancelled) => cancelled.length === 1, 'the running one to be cancelled');
    expect(seen).toMatchObject([{ task: { uuid: slow.uuid } }]);
    expect(counts(await actions.cancel(['x', 'y'], { ...ANN, expected: 1 }))).toEqual(all(1));
    await expect(actions.cancel({}, ANN)).rejects.toThrow('no condition');
    expect(events.map((event) => ('action' in event ? [event.action, event.by] : ''))).toEqual([['cancel', 'ann'], ['cancel', 'ann'], ['cancel', 'ann']]);
  });

  it('trigger, pause, resume and remove schedules by pattern, cancel and retry workflows, and send', async () => {
    const stage = await start(url());
    const { service, service: { actions }, tasks, events } = stage;
    tasks.broken = false;
    for (const name of ['nightly.a', 'nightly.b', 'weekly']) await service.schedules.add({ name, cron: '0 0 1 1 *', task: { name: 'charge', args: [{ type: 'int', value: 7 }] } });
    expect(counts(await actions.triggerSchedules('nightly.*', { ...ANN, dryRun: true }))).toEqual(dry(2));
    expect([tasks.ran, events]).toEqual([[], []]);
    expect(counts(await actions.triggerSchedules('nightly.*', ANN))).toEqual(all(2));
    await eventually(async () => tasks.ran, (ran) => ran.length === 2, 'both to run');
    expect(counts(await actions.pauseSchedules('*', { ...ANN, reason: 'test', expected: 2 }))).toEqual(all(2));
    expect(counts(await actions.resumeSchedules('*', ANN))).toEqual(all(2));
    expect(counts(await actions.removeSchedules(['nightly.*', 'weekly'], { ...ANN, dryRun: true }))).toEqual(dry(3));
    expect(counts(await actions.removeSchedules('nightly.*', ANN))).toEqual(all(2));
    expect((await service.schedules.list()).map(({ name }) => name)).toEqual(['weekly']);
    await expect(actions.triggerSchedules('none', { ...ANN, dryRun: true })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_UNKNOWN_SCHEDULE' });
    tasks.broken = true;
    const step = (): ReturnType<typeof task> => task('charge', 1).options({ routingKey: 'a' });
    const workflow = await service.publish(chain(step(), step()));
    await eventually(() => workflow.progress(), (progress) => progress?.status === 'failed', 'the workflow to fail');
    expect(counts(await actions.retryWorkflows(workflow.uuid, { ...ANN, dryRun: true }))).toEqual(dry(1));
    tasks.broken = false;
    expect(counts(await actions.retryWorkflows(workflow.uuid, ANN))).toEqual(all(1));
    await eventually(() => workflow.progress(), (progress) => progress?.status === 'succeeded', 'the workflow to succeed');
    expect(counts(await actions.cancelWorkflows([workflow.uuid], ANN))).toEqual(all(0));
    const before = tasks.ran.length;
    expect(counts(await actions.send([{ name: 'charge', args: [{ type: 'int', value: 5 }] }], { ...ANN, dryRun: true }))).toEqual(dry(1));
    expect(counts(await actions.send([{ name: 'charge', args: [{ type: 'int', value: 5 }] }, { name: 'charge', routingKey: 'nowhere', args: [] }], ANN))).toEqual({ matched: 2, done: 1, failed: 1, truncated: false });
    await eventually(async () => tasks.ran, (ran) => ran.length === before + 1, 'the sent one');
    expect(events.map((event) => ('action' in event ? event.action : ''))).toEqual(['schedule.trigger', 'schedule.pause', 'schedule.resume', 'schedule.remove', 'workflow.retry', 'workflow.cancel', 'send']);
  });
});
