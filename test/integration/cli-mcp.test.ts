import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { Arg, chain, type DispatcherService, Task, task, TaskContext } from '../../lib/index.js';
import { runCli, startCli } from '../support/cli.js';
import { startAssistant } from '../support/mcp-client.js';
import { bothBrokers, oneWorker, startOn } from '../support/nest-on-broker.js';
import { Arrivals, eventually, Signal } from '../support/wait.js';

vi.setConfig({ testTimeout: 240_000 });

@Injectable()
class Tasks {
  readonly ran = new Arrivals<unknown>();
  readonly release = new Signal();
  mended = false;

  @Task('blocks') async blocks(@TaskContext() context: TaskContext): Promise<void> {
    context.progress(0.5);
    this.ran.add(context.uuid);
    await this.release.promise;
  }
  @Task('pay') pay(@Arg(0) card: { number: number }): void {
    if (!this.mended) throw new TypeError(`no card ${card.number}`);
    this.ran.add(card);
  }
  @Task('add') add(@Arg(0) value: bigint): void { this.ran.add(value); }
}

const READS = ['processes', 'queues', 'running', 'task', 'recent', 'failures', 'waiting', 'schedules', 'workflow', 'dead_letters', 'dead_letter'];
const ACTIONS = ['pause', 'resume', 'limit', 'unlimit', 'trigger', 'send', 'cancel', 'replay', 'discard'];

describe.each(bothBrokers('mcp'))('an assistant on %s', (_title, url) => {
  const start = async (): Promise<{ service: DispatcherService; tasks: Tasks; queue: string; place: { broker: string; exchange: string } }> => {
    const config = { ...oneWorker(url(), 'mcp'), defaultRoutingKey: 'key' };
    config.workers[0].limit = 2;
    const { app, service } = await startOn(config, { providers: [Tasks] });
    const tasks = app.get(Tasks);
    onTestFinished(() => tasks.release.fire());
    return { service, tasks, queue: config.workers[0].queue, place: { broker: config.broker as string, exchange: config.exchange } };
  };
  const dead = (service: DispatcherService, queue: string, count: number): Promise<unknown> => (
    eventually(() => service.deadLetters.list(queue).catch(() => undefined), (page) => page?.letters.length === count, `${count} dead letters`));
  const card = (number: number): { type: 'json'; value: unknown } => ({ type: 'json', value: { number, token: 'hunter2' } });

  it('looks, sees no secret, and can do nothing', async () => {
    const { service, tasks, queue, place } = await start();
    const { uuid } = await service.publish('blocks');
    await tasks.ran.count(1);
    await service.publish({ name: 'pay', args: [card(1)] });
    await service.publish({ name: 'add', args: [{ type: 'uint64', value: 2n ** 63n + 1n }] });
    await dead(service, queue, 1);
    await service.schedules.add({ name: 'nightly', cron: '0 3 * * *', task: 'add' });
    const { client, ask, refusal } = await startAssistant(place);
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual(READS);
    expect(tools.every(({ annotations }) => annotations.readOnlyHint && !annotations.destructiveHint)).toBe(true);
    expect(client.getInstructions()).toContain('--allow-actions');

    expect(await ask('processes')).toMatchObject({ processes: [{ pid: process.pid, workers: [{ queue, running: 1 }] }] });
    expect(await ask('queues')).toMatchObject({ queues: [{ name: queue, dead: 1 }] });
    expect(await ask('running', { name: 'bl*' })).toMatchObject({ tasks: [{ uuid, progress: { percent: 50 } }] });
    expect(await ask('task', { uuid })).toMatchObject({ where: { place: 'running' } });
    expect(await ask('recent', { state: 'failed', arguments: { '0.number': 1 }, since: '1h' })).toMatchObject({ tasks: [{ name: 'pay', args: [{ value: { number: 1, token: '[hidden]' } }] }] });
    expect(await ask('failures', { error: 'no card' })).toMatchObject({ groups: [{ name: 'pay', count: 1 }] });
    expect(await ask('schedules')).toMatchObject({ schedules: [{ name: 'nightly' }] });
    expect(await ask('waiting', { queue, limit: 5 })).toMatchObject({ queue, waiting: 0, tasks: [] });
    const letters = await ask<{ letters: { id: string }[]; total: number }>('dead_letters', { queue, name: 'pay' });
    expect(letters).toMatchObject({ letters: [{ name: 'pay', reason: 'failed', args: [{ value: { token: '[hidden]' } }] }], total: 1 });
    const letter = await ask('dead_letter', { queue, id: letters.letters[0]?.id });
    expect(letter).toMatchObject({ stack: expect.stringContaining('TypeError: no card 1') });
    expect(JSON.stringify([letters, letter, await ask('recent')])).not.toContain('hunter2');
    // Exact, though JSON.parse would round it.
    expect((await client.callTool({ name: 'recent', arguments: { name: 'add' } })).content[0]?.text).toContain('9223372036854775809');

    const workflow = await service.publish(chain(task('add', 5n)));
    const progress = await eventually(() => ask('workflow', { uuid: workflow.uuid }).catch(() => undefined), (found) => found?.['status'] === 'succeeded', 'the workflow to succeed');
    expect(JSON.stringify(progress)).toMatch(/"label":"add"/);
    expect(await refusal('workflow', { uuid: randomUUID() })).toContain('Nothing is known of a workflow');
    expect(await refusal('recent', { limit: 1_000 })).toContain('whole number from 1 to 100');
    expect(await refusal('running', { nmae: 'x' })).toContain('no argument "nmae"');
    expect(await refusal('task')).toContain('needs "uuid"');
    expect(await refusal('discard', { queue, id: letters.letters[0]?.id })).toContain('--allow-actions');
    expect((await service.deadLetters.list(queue)).total).toBe(1);
  });

  it('acts where it is allowed to, on what was named or counted', async () => {
    const { service, tasks, queue, place } = await start();
    for (const number of [1, 2, 3]) await service.publish({ name: 'pay', args: [card(number)] });
    await dead(service, queue, 3);
    const { client, ask, refusal } = await startAssistant(place, '--allow-actions');
    const { tools } = await client.listTools();
    expect(tools.map(({ name }) => name)).toEqual([...READS, ...ACTIONS]);
    expect(tools.filter(({ annotations }) => annotations.destructiveHint).map(({ name }) => name)).toEqual(['cancel', 'replay', 'discard']);

    expect(await ask('pause', { kind: 'task', name: 'add', reason: 'the bank is away' })).toMatchObject({ paused: { kind: 'task', name: 'add' } });
    expect(await service.paused()).toMatchObject([{ kind: 'task', name: 'add', by: expect.stringMatching(/^mcp \(/), reason: 'the bank is away' }]);
    expect(await ask('resume', { kind: 'task', name: 'add' })).toEqual({ wasPaused: true });
    expect(await refusal('limit', { worker: 'w', limit: 0, reason: 'none' })).toContain('limit');
    expect(await ask('limit', { worker: 'w', limit: 4, reason: 'more' })).toEqual({ worker: 'w', limit: 4, reason: 'more' });
    expect(await service.workerLimits()).toMatchObject([{ worker: 'w', limit: 4, by: expect.stringMatching(/^mcp \(/), reason: 'more' }]);
    expect([await ask('unlimit', { worker: 'w' }), await ask('unlimit', { worker: 'w' })]).toEqual([{ wasLimited: true }, { wasLimited: false }]);

    const { uuid } = await ask<{ uuid: string }>('send', { name: 'blocks', routingKey: 'key' });
    await tasks.ran.count(1);
    await ask('cancel', { uuids: [uuid], reason: 'a test' });
    tasks.release.fire();
    await ask('send', { name: 'add', routingKey: 'key', arguments: '[{"type":"int64","value":9007199254740993}]' });
    await tasks.ran.first((value) => value === 9007199254740993n, 'the exact number');
    await service.schedules.add({ name: 'nightly', cron: '0 3 * * *', task: { name: 'add', args: [{ type: 'int64', value: 7n }], routingKey: 'key' } });
    expect(await ask('trigger', { schedule: 'nightly' })).toMatchObject({ triggered: 'nightly', uuid: expect.any(String) });
    await tasks.ran.first((value) => value === 7n, 'the task of the schedule');

    for (const tool of ['replay', 'discard']) {
      expect(await refusal(tool, { queue, name: 'pay' })).toContain('how many fit');
      expect(await refusal(tool, { queue, name: 'pay', expected: 2 })).toContain('3 dead letters');
      expect(await refusal(tool, { queue, id: 'none' })).toContain('none with the id none');
      expect(await refusal(tool, { queue, id: 'none', expected: 1 })).toContain('Give one of the two');
    }
    const { letters } = await ask<{ letters: { id: string }[] }>('dead_letters', { queue });
    tasks.mended = true;
    expect(await ask('replay', { queue, id: letters[0]?.id, arguments: '[{"type":"json","value":{"number":40}}]' })).toMatchObject({ replayed: 1 });
    await tasks.ran.first((value) => (value as { number?: number }).number === 40, 'the mended task');
    expect(await ask('discard', { queue, id: letters[1]?.id })).toEqual({ discarded: 1 });
    expect(await ask('replay', { queue, name: 'pay', expected: 1 })).toMatchObject({ replayed: 1 });
    await tasks.ran.first((value) => (value as { number?: number }).number === 3, 'the last one');
    await dead(service, queue, 0);
  });

  it('ends when the assistant is gone, or with Ctrl-C', async () => {
    const { place } = await start();
    for (const end of ['input', 'signal'] as const) {
      const server = startCli(['mcp'], place);
      server.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } } }));
      expect(JSON.parse(await server.line(/"result"/, 60_000))).toMatchObject({ result: { serverInfo: { name: 'nestjs-dispatcher' } } });
      if (end === 'input') server.closeInput();
      else server.signal('SIGTERM');
      expect(await server.exited(30_000), end).toMatchObject({ code: end === 'input' ? 0 : 143 });
    }
    expect((await runCli(['mcp'], { ...place, exchange: place.exchange, broker: 'embedded:./nowhere' })).code).toBe(1);
  });
});
