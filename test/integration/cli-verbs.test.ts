import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { chain, Task, task, TaskContext, type ServerConfig } from '../../lib/index.js';
import { runCli as runAsProcess, runCliHere, startCli, type CliPlace } from '../support/cli.js';
import { everyBroker, oneWorker, startOn } from '../support/nest-on-broker.js';
import { Arrivals, eventually } from '../support/wait.js';

/** Where a call is a process, it starts, loads and connects. */
vi.setConfig({ testTimeout: 240_000 });

const BIG = 9007199254740993n;

@Injectable()
class Tasks {
  readonly ran = new Arrivals<unknown>();
  broken = true;
  @Task('add', { result: true }) add(a: number, b: number): number { return a + b; }
  @Task('keep') keep(...values: unknown[]): void { this.ran.add(values); }
  @Task('context') context(@TaskContext() { headers, uuid }: TaskContext): void { this.ran.add({ uuid, tenant: headers.tenant }); }
  @Task('breaks') breaks(value: unknown): void {
    if (this.broken) throw new Error(`cannot take ${String(value)}`);
    this.ran.add(value);
  }
}

interface Stage { readonly config: ServerConfig; readonly place: CliPlace; readonly queue: string }

function stageOn(url: string): Stage {
  const config = { ...oneWorker(url, 'cli'), defaultRoutingKey: 'key' };
  return { config, queue: config.workers[0].queue, place: { broker: url, exchange: config.exchange } };
}

const withWorker = async (config: ServerConfig) => {
  const { app, service } = await startOn(config, { providers: [Tasks] });
  return { app, service, tasks: app.get(Tasks) };
};
/** Its queue is there, and nobody takes from it. */
const withoutWorker = async (config: ServerConfig) => (await startOn({ ...config, role: 'publisher' }, { providers: [Tasks] })).service;

describe.concurrent.each(everyBroker('cli'))('the command line on %s', (broker, url) => {
  // Where processes share a folder, each call is one.
  const runCli = runCliHere;
  // Of two tests each call is a process, where processes share a folder.
  const runCliApart = broker === 'embedded' ? runAsProcess : runCliHere;

  it('sends: exact values, headers, a result, and tells what is not routable', async () => {
    const { config, place } = stageOn(url());
    const { tasks } = await withWorker(config);
    const sent = await runCliApart(['send', 'keep', `int64:${BIG}`, 'Ada', '-1', '{"a":[1.5]}', '--routing-key', 'key', '--json'], place);
    expect(sent).toMatchObject({ code: 0, stderr: '' });
    expect(sent.json()).toEqual({ uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) as string, name: 'keep' });
    expect(await tasks.ran.count(1)).toEqual([[BIG, 'Ada', -1, { a: [1.5] }]]);
    const uuid = randomUUID();
    expect(await runCliApart(['send', 'context', '--header', 'tenant=7', '--uuid', uuid, '--delay', '100ms', '--routing-key', 'key'], place)).toMatchObject({ code: 0, stdout: uuid });
    expect((await tasks.ran.count(2))[1]).toEqual({ uuid, tenant: 7 });
    const waited = await runCliApart(['send', 'add', '2', '3', '--wait', '20s', '--routing-key', 'key', '--json'], place);
    expect(waited.json()).toMatchObject({ name: 'add', result: 5 });
    const lost = await runCliApart(['send', 'keep', '--routing-key', 'nowhere', '--json'], place);
    expect(lost).toMatchObject({ code: 1, stdout: '' });
    expect(lost.failure()).toMatchObject({ code: 'ERR_DISPATCHER_UNROUTABLE', exitCode: 1 });
    expect((await runCliApart(['send', 'keep', 'int:x'], place)).code).toBe(2);
    const slow = await runCliApart(['send', 'add', '1', '1', '--delay', '1h', '--wait', '200ms', '--routing-key', 'key'], place);
    expect(slow.code).toBe(5);
  });

  it('counts, pauses, resumes, purges and drains queues', async () => {
    const { config, place, queue } = stageOn(url());
    const service = await withoutWorker(config);
    for (let i = 0; i < 3; i++) await service.publish('keep', i);
    const paused = await runCliApart(['pause', 'queue', queue, '--by', 'ann', '--reason', 'moving', '--json'], place);
    expect(paused.json()).toEqual({ paused: { kind: 'queue', name: queue, by: 'ann', reason: 'moving' } });
    expect(await service.paused()).toMatchObject([{ kind: 'queue', name: queue, by: 'ann', reason: 'moving' }]);
    expect((await runCliApart(['paused', '--json'], place)).json()).toMatchObject({ pauses: [{ kind: 'queue', name: queue, by: 'ann', since: expect.stringMatching(/Z$/) as string }] });
    const counted = await runCliApart(['queues', queue, '--json'], place);
    expect(counted.json()).toMatchObject({ queues: [{ name: queue, waiting: 3, pause: { by: 'ann' } }], delayed: 0, undelivered: 0 });
    expect((await runCliApart(['queues', queue], place)).stdout).toMatch(new RegExp(`^QUEUE +WAITING +DEAD +PAUSED\n${queue} +3 `));
    const absent = await runCliApart(['queues', queue, `${queue}.none`, '--json'], place);
    expect(absent.code).toBe(1);
    expect(absent.json().queues).toMatchObject([{ waiting: 3 }, { name: `${queue}.none` }]);
    expect((await runCliApart(['drain', queue, '--timeout', '200ms'], place)).code).toBe(5);
    expect((await runCliApart(['resume', 'queue', queue], place)).code).toBe(0);
    expect((await runCliApart(['resume', 'queue', queue], place))).toMatchObject({ code: 1, stdout: '' });
    expect((await runCliApart(['purge', queue, '--dry-run', '--json'], place)).json()).toEqual({ queue, dryRun: true, waiting: 3 });
    const unconfirmed = await runCliApart(['purge', queue], place);
    expect(unconfirmed).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('Add --yes') as string });
    expect(await service.depth(queue)).toBe(3);
    expect((await runCliApart(['purge', queue, '--yes', '--json'], place)).json()).toEqual({ queue, dryRun: false, removed: 3 });
    expect((await runCliApart(['drain', queue, '--json'], place)).json()).toEqual({ drained: [queue] });
    expect((await runCliApart(['purge', `${queue}.none`, '--yes'], place)).code).toBe(1);
  });

  it('limits workers, lists the limits, and takes them back', async () => {
    const { config, place } = stageOn(url());
    const { service } = await withWorker(config);
    const worker = 'w';
    const own = service.worker(worker).limit;
    expect((await runCli(['limit', worker, 'many'], place)).code).toBe(2);
    expect((await runCli(['limit', worker, '0'], place))).toMatchObject({ code: 2, stdout: '' });
    expect((await runCli(['limit', '*', '7', '--dry-run', '--json'], place)).json()).toMatchObject({ dryRun: true, matched: 1, concerned: [{ id: worker }] });
    expect((await runCli(['limit', worker, '7', '--by', 'ann', '--reason', 'more', '--json'], place)).json()).toEqual({ worker, limit: 7 });
    await eventually(() => Promise.resolve(service.worker(worker).limit), (limit) => limit === 7, 'the limit');
    expect((await runCli(['limits', '--json'], place)).json()).toMatchObject({ limits: [{ worker, limit: 7, by: 'ann', reason: 'more' }] });
    expect((await runCli(['unlimit', '*', '--json'], place)).json()).toMatchObject({ worker: '*', done: 1, names: [worker] });
    await eventually(() => Promise.resolve(service.worker(worker).limit), (limit) => limit === own, 'its own limit');
    expect(await runCli(['unlimit', worker], place)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('No limit is set') as string });
  });

  it('calls a task off', async () => {
    const { config, place } = stageOn(url());
    const publisher = await withoutWorker(config);
    const { uuid } = await publisher.publish('keep', 'first');
    await publisher.publish('keep', 'second');
    expect(await runCli(['cancel', uuid, '--reason', 'sent twice'], place)).toMatchObject({ code: 0, stdout: '1 task called off' });
    const { tasks } = await withWorker(config);
    expect(await tasks.ran.count(1)).toEqual([['second']]);
  });

  it('calls off what conditions mean, once they were counted, and tells the others who did', async () => {
    const { config, place, queue } = stageOn(url());
    const { service, tasks } = await withWorker(config);
    await service.pause({ queue }, { by: 'test', reason: 'test' });
    for (const id of [1, 2, 3]) await service.publish('keep', { customer: { id } });
    const filter = ['cancel', '--name', 'ke*', '--arg', '0.customer.id=2'];
    const counted = await runAsProcess([...filter, '--dry-run', '--json'], place);
    expect(counted.json()).toMatchObject({ dryRun: true, matched: 1, concerned: [{ name: 'keep', queue }] });
    expect(await runAsProcess(filter, place)).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('Add --yes') as string });
    expect((await runAsProcess(['cancel'], place)).code).toBe(2);
    expect((await runAsProcess(['cancel', 'x', '--name', 'y'], place)).code).toBe(2);
    expect(await runAsProcess([...filter, '--yes', '--by', 'ann', '--reason', 'twice'], place)).toMatchObject({ code: 0, stdout: '1 task called off' });
    expect((await runAsProcess(['pause', 'task', 'ke*', '--dry-run', '--json'], place)).json()).toMatchObject({ dryRun: true, matched: 1, concerned: [{ id: 'keep' }] });
    expect(await runAsProcess(['resume', 'queue', '*', '--by', 'bob'], place)).toMatchObject({ code: 0, stdout: '1 queue resumed' });
    expect((await tasks.ran.count(2)).map((values) => (values as { customer: { id: number } }[])[0]?.customer.id)).toEqual([1, 3]);
    const audit = await eventually(() => service.inspect.audit({ action: '*' }), (actions) => actions.length === 3, 'what the programs did, which have ended');
    expect(audit.map(({ action, by, reason, count }) => [action, by, reason, count])).toEqual([['resume', 'bob', undefined, 1], ['cancel', 'ann', 'twice', 1], ['pause', 'test', 'test', undefined]]);
    expect(audit[0]?.pid).not.toBe(process.pid);
  });

  it('retries, discards and annotates failures of one kind', async () => {
    const { config, place, queue } = stageOn(url());
    const { service, tasks } = await withWorker(config);
    for (const value of [1, 2, 'x']) await service.publish('breaks', value);
    await eventually(() => service.deadLetters.list(queue).catch(() => undefined), (page) => page?.letters.length === 3, 'three dead letters');
    const { groups } = (await runCli(['failures', '--json'], place)).json<{ groups: { id: string; count: number; error: { message: string } }[] }>();
    const [numbers, text] = ['cannot take <number>', 'cannot take x'].map((message) => groups.find(({ error }) => error.message === message)?.id ?? '');
    expect(await runCli(['failure', 'annotate', numbers!, 'known; mended on Friday', '--by', 'ann'], place)).toMatchObject({ code: 0 });
    expect((await runCli(['failures'], place)).stdout).toContain('ann: known; mended on Friday');
    expect((await runCli(['failure', 'forget', numbers!], place)).code).toBe(0);
    expect((await runCli(['failure', 'forget', numbers!], place)).code).toBe(1);
    expect((await runCli(['failure', 'retry', numbers!, '--queue', queue, '--dry-run', '--json'], place)).json()).toMatchObject({ dryRun: true, matched: 2 });
    tasks.broken = false;
    expect((await runCli(['failure', 'retry', numbers!, '--json'], place)).json()).toEqual({ group: numbers, replayed: 2, failed: [], truncated: false });
    expect(await tasks.ran.count(2)).toEqual([1, 2]);
    expect(await runCli(['failure', 'discard', text!, '--queue', queue], place)).toMatchObject({ code: 1, stderr: expect.stringContaining('discard 1 dead letter') as string });
    expect((await runCli(['failure', 'discard', text!, '--yes', '--json'], place)).json()).toEqual({ group: text, discarded: 1, truncated: false });
    expect((await service.deadLetters.list(queue)).letters).toEqual([]);
    expect((await runCli(['failure', 'retry', 'mail'], place)).code).not.toBe(0);
  });

  it('lists, shows, edits, replays and discards dead letters', async () => {
    const { config, place, queue } = stageOn(url());
    const { service, tasks } = await withWorker(config);
    for (const value of ['one', 'two', BIG]) await service.publish('breaks', value);
    await eventually(() => service.deadLetters.list(queue).catch(() => undefined), (page) => page?.letters.length === 3, 'three dead letters');
    const list = (await runCli(['dead', 'list', queue, '--json'], place)).json<{ letters: { id: string; error: string; reason: string; attempt: number }[]; total: number }>();
    expect(list).toMatchObject({ queue, total: 3, truncated: false, letters: [{ reason: 'failed', attempt: 1, name: 'breaks' }, {}, {}] });
    const [one, two, big] = list.letters.map(({ id }) => id) as [string, string, string];
    expect((await runCli(['dead', 'list', queue, '--error', 'take two'], place)).stdout).toMatch(new RegExp(`${two} +breaks +failed +1 .*cannot take two`));
    const shown = await runCli(['dead', 'show', queue, big, '--json'], place);
    expect(shown.stdout).toContain(`"value": ${BIG}`);
    expect((await runCli(['dead', 'show', queue, big], place)).stdout).toMatch(/arguments:\n {2}0 {2}int64 {2}9007199254740993\n[^]*stack:\n/);
    expect((await runCli(['dead', 'show', queue, 'none'], place)).code).toBe(1);
    tasks.broken = false;
    expect((await runCli(['dead', 'edit', queue, one, '--args', '["mended"]'], place)).code).toBe(0);
    expect(await tasks.ran.count(1)).toEqual(['mended']);
    expect((await runCli(['dead', 'replay', queue, '--error', 'two', '--dry-run', '--json'], place)).json()).toEqual({ queue, dryRun: true, fitting: 1, truncated: false });
    expect((await runCli(['dead', 'replay', queue], place)).code).toBe(2);
    expect((await runCli(['dead', 'replay', queue, two, 'none'], place)).code).toBe(1);
    expect((await runCli(['dead', 'replay', queue, '--name', 'breaks', '--error', 'two', '--json'], place)).json()).toEqual({ queue, dryRun: false, replayed: 1, failed: [], truncated: false });
    expect((await tasks.ran.count(2))[1]).toBe('two');
    expect((await runCli(['dead', 'discard', queue, '--all'], place))).toMatchObject({ code: 1, stderr: expect.stringContaining('discard 1 dead letter of the queue') as string });
    expect((await runCli(['dead', 'discard', queue, '--all', '--dry-run', '--json'], place)).json()).toMatchObject({ fitting: 1 });
    expect((await runCli(['dead', 'discard', queue, big, '--yes', '--json'], place)).json()).toEqual({ queue, dryRun: false, discarded: 1 });
    expect((await service.deadLetters.list(queue)).letters).toEqual([]);
  });

  it('lists, pauses, resumes, triggers and removes schedules', async () => {
    const { config, place } = stageOn(url());
    const { service, tasks } = await withWorker(config);
    expect((await runCli(['schedules', 'list', '--json'], place)).json()).toEqual({ schedules: [] });
    await service.schedules.add({ name: 'yearly', cron: '0 0 1 1 *', task: { name: 'keep', args: [{ type: 'string', value: 'tick' }], routingKey: 'key' } });
    expect((await runCli(['schedules', 'list', '--json'], place)).json()).toMatchObject({ schedules: [{ name: 'yearly', task: 'keep', source: 'runtime', nextTick: expect.stringMatching(/-01-01T/) as string }] });
    expect((await runCli(['schedules', 'pause', 'yearly', '--reason', 'wrong'], place)).code).toBe(0);
    expect((await runCli(['schedules', 'list'], place)).stdout).toMatch(/yearly +0 0 1 1 \* +UTC +keep +- +- +- +by .*: wrong/);
    expect((await runCli(['schedules', 'trigger', 'yearly'], place)).stdout).toMatch(/^[0-9a-f-]{36}$/);
    expect(await tasks.ran.count(1)).toEqual([['tick']]);
    expect((await runCli(['schedules', 'resume', 'yearly'], place)).code).toBe(0);
    expect((await runCli(['schedules', 'resume', 'yearly'], place)).code).toBe(1);
    expect((await runCli(['schedules', 'remove', 'yearly'], place)).code).toBe(1);
    expect((await runCli(['schedules', 'remove', 'yearly', '--yes'], place)).code).toBe(0);
    expect(await service.schedules.list()).toEqual([]);
    expect((await runCli(['schedules', 'trigger', 'yearly', '--json'], place)).failure()).toMatchObject({ code: 'ERR_DISPATCHER_UNKNOWN_SCHEDULE', exitCode: 1 });
  });

  it('shows, retries and cancels workflows', async () => {
    const { config, place } = stageOn(url());
    const { service, tasks } = await withWorker(config);
    const workflow = await service.publish(chain(task('add', 1, 2), task('breaks', 'it')));
    await eventually(() => workflow.progress(), (progress) => progress?.status === 'failed', 'the workflow to fail');
    const shown = await runCli(['workflows', 'show', workflow.uuid, '--json'], place);
    expect(shown.json()).toMatchObject({ uuid: workflow.uuid, status: 'failed', root: { kind: 'chain', steps: [{ status: 'succeeded' }, { status: 'failed' }] } });
    expect((await runCli(['workflows', 'show', workflow.uuid], place)).stdout).toMatch(/status: +failed[^]*succeeded .*add[^]*failed .*breaks/);
    tasks.broken = false;
    expect((await runCli(['workflows', 'retry', workflow.uuid, '--json'], place)).json()).toEqual({ retried: workflow.uuid, steps: 1 });
    await eventually(() => workflow.progress(), (progress) => progress?.status === 'succeeded', 'the workflow to succeed');
    expect((await runCli(['workflows', 'retry', workflow.uuid], place)).code).toBe(1);
    expect((await runCli(['workflows', 'cancel', workflow.uuid], place)).code).toBe(1);
    const delayed = await service.publish(chain(task('add', 1, 1).options({ delaySeconds: 60 })));
    expect((await runCli(['workflows', 'cancel', delayed.uuid, '--by', 'ann', '--reason', 'wrong file'], place)).code).toBe(0);
    expect(await delayed.progress()).toMatchObject({ status: 'cancelled', reason: 'by ann: wrong file' });
    expect((await runCli(['workflows', 'show', randomUUID()], place)).code).toBe(1);
  });

  it('ends in order when it is interrupted', async () => {
    const { config, place, queue } = stageOn(url());
    const service = await withoutWorker(config);
    await service.publish('keep', 1);
    const child = startCli(['drain', queue, '--timeout', '1h', '--verbose'], place);
    await eventually(() => child.stderr, (text) => text.includes('Ready on exchange'), 'the drain to begin');
    child.signal('SIGINT');
    expect(await child.exited()).toEqual({ code: 130, signal: null });
    expect(child.lines.all).toEqual([]);
  });
});
