import { Injectable } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { Task, TaskContext } from '../../lib/index.js';
import { type CliPlace, runCli as runAsProcess, runCliHere, startCli } from '../support/cli.js';
import { bothBrokers, oneWorker, startOn } from '../support/nest-on-broker.js';
import type { Child } from '../support/processes.js';
import { onTestFinished } from '../support/test-end.js';
import { Arrivals, eventually, Signal } from '../support/wait.js';

/** Where a call is a process, it starts, loads and connects. */
vi.setConfig({ testTimeout: 240_000 });

@Injectable()
class Tasks {
  readonly ran = new Arrivals<string>();
  readonly release = new Signal();
  @Task('blocks', { unique: { scope: 'untilFinished', key: 'one' } }) async blocks(@TaskContext() context: TaskContext): Promise<void> {
    context.progress(0.5);
    this.ran.add(context.uuid);
    await this.release.promise;
  }
  @Task('breaks') breaks(): void { throw new Error('no such customer'); }
  @Task('quick') quick(): void { this.ran.add('quick'); }
}

describe.concurrent.each(bothBrokers('cli-inspect'))('looking at running processes on %s', (broker, url) => {
  // One call is a process, and one is enough where a process loads all of the library.
  const runCli = runCliHere;

  it('shows processes, queues, what runs, what ended, what failed, and one task', async () => {
    const config = { ...oneWorker(url(), 'cli-inspect'), defaultRoutingKey: 'key' };
    config.workers[0].limit = 2;
    const { app, service } = await startOn(config, { providers: [Tasks] });
    const [{ queue }] = config.workers;
    const tasks = app.get(Tasks);
    const place: CliPlace = { broker: config.broker as string, exchange: config.exchange };
    const { uuid } = await service.publish('blocks');
    await tasks.ran.count(1);
    const failed = await service.publish('breaks');
    await service.publish('quick');
    await tasks.ran.count(2);
    await eventually(() => service.deadLetters.list(queue).catch(() => undefined), (page) => page?.letters.length === 1, 'a dead letter');

    const { processes } = (await runAsProcess(['inspect', '--json'], place)).json<{ processes: { pid: number; status: string; workers: { queue: string; running: number }[] }[] }>();
    expect(processes).toMatchObject([{ pid: process.pid, status: 'alive', workers: [{ queue, running: 1, limit: 2 }] }]);
    expect((await runAsProcess(['inspect'], place)).stdout).toMatch(new RegExp(`:${process.pid} +both +ready [^]*\\bw +${queue} `));
    expect((await runCli(['running', '--json'], place)).json()).toMatchObject({ tasks: [{ uuid, name: 'blocks', attempt: 1, queue }] });
    expect((await runCli(['running', '--name', 'qui*'], place))).toMatchObject({ code: 0, stdout: 'nothing' });
    const recent = (await runCli(['recent', '--state', 'succeeded', '--json'], place)).json<{ tasks: { name: string }[] }>();
    expect(recent.tasks.map(({ name }) => name)).toEqual(['quick']);
    expect((await runCli(['failures', '--json'], place)).json()).toMatchObject({ groups: [{ name: 'breaks', count: 1, error: { message: 'no such customer' } }] });
    expect((await runCli(['failures'], place)).stdout).toMatch(/breaks .*no such customer/);
    expect((await runCli(['tasks', '--json'], place)).json()).toMatchObject({ tasks: expect.arrayContaining([expect.objectContaining({ name: 'quick', totals: { succeeded: 1, failed: 0, retried: 0, cancelled: 0 } })]), overall: { durations: { count: 2 } } });
    expect((await runCli(['tasks', '--name', 'br*'], place)).stdout).toMatch(/breaks +0 +1 +0 .*\n.*all/);
    expect((await runCli(['task', uuid, '--json'], place)).json()).toMatchObject({ uuid, name: 'blocks', where: { place: 'running' } });
    expect((await runCli(['task', failed.uuid], place)).stdout).toMatch(/where: +dead letter of [^]*no such customer/);
    expect((await runCli(['task', 'none'], place)).code).toBe(1);
    expect((await runCli(['queues', '--json'], place)).json()).toMatchObject({ queues: [{ name: queue, waiting: 0, dead: 1 }], delayed: 0 });
    const top = await runAsProcess(['top'], place);
    expect(top).toMatchObject({ code: 0, stderr: '' });
    expect(top.stdout).toMatch(new RegExp(`${queue} [^]*WORKER[^]*${uuid}`));
    expect((await runCli(['locks', 'list', '--json'], place)).json()).toMatchObject({ locks: [{ kind: 'unique', name: 'blocks', state: 'started', holders: [{ uuid, worker: 'w', pid: process.pid }] }] });
    const key = `unique:${config.exchange}:blocks:key:one`;
    expect((await runCli(['locks', 'release', key, '--reason', 'a test', '--yes'], place)).stdout).toContain('is free');
    expect((await runCli(['locks', 'release', key, '--yes'], place)).code).toBe(1);
    expect((await runCli(['locks', 'list'], place)).stdout).toBe('nothing is held');
    expect((await runCli(['retrying'], place)).stdout).toBe('nothing');
    tasks.release.fire();
  });

  it('shows what waits, what is delayed and what is tried again', async () => {
    const config = { ...oneWorker(url(), 'cli-waiting'), defaultRoutingKey: 'key' };
    const [{ queue }] = config.workers;
    const { app, service } = await startOn(config, { providers: [Tasks] });
    const place: CliPlace = { broker: config.broker as string, exchange: config.exchange };
    await service.publish('blocks');
    await app.get(Tasks).ran.count(1);
    await service.pause({ queue }, { by: 'test', reason: 'to see what waits' });
    await service.publish('quick', 'Ada', 9007199254740993n);
    await service.publish({ name: 'quick', delaySeconds: 3_600 });
    await eventually(() => service.depth(queue), (depth) => depth === 1, 'a task that waits');
    await eventually(() => service.inspect.delayed(), ({ within }) => within.some(({ count }) => count > 0), 'a task that is delayed');
    expect((await runCli(['waiting', queue, '--peek', '10', '--json'], place)).json()).toMatchObject({ queue, waiting: 1, tasks: [{ name: 'quick', position: 0, attempt: 1 }] });
    expect((await runCli(['waiting', queue, '--peek', '10'], place)).stdout).toMatch(/1 +[0-9a-f-]{36} +quick .*\["Ada","9007199254740993"\][^]*1 task waits in/);
    expect(await runCli(['waiting', 'no.such.queue'], place)).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no queue "no.such.queue"') });
    expect((await runCli(['delayed'], place)).stdout).toMatch(/within [^]*1 task$/);
    await service.resume({ queue });
    app.get(Tasks).release.fire();
    await service.publish('breaks', { args: [], retry: { attempts: 2, delaySeconds: 600 } });
    await eventually(() => service.inspect.retrying(), (found) => found.length === 1, 'a task that is tried again');
    expect((await runCli(['retrying'], place)).stdout).toMatch(/breaks .* 1 +Error: no such customer/);
    expect((await runCli(['retrying', '--name', 'qu*', '--json'], place)).json()).toEqual({ tasks: [] });
  });

  it('follows events as lines and as JSON, until it has seen enough, its time is over, nobody reads, or Ctrl-C', async () => {
    const config = { ...oneWorker(url(), 'cli-events'), defaultRoutingKey: 'key' };
    const { service } = await startOn(config, { providers: [Tasks] });
    const place: CliPlace = { broker: config.broker as string, exchange: config.exchange };
    const followed = [['events', '--follow', '--json', '--type', 'task.*', '--name', 'q*', '--limit', '3'], ['events', '-f', '--level', 'warn'], ['events', '-f', '--type', 'task.started']].map((args) => startCli(args, place));
    const [json, text, unread] = followed as [Child, Child, Child];
    const sending = setInterval(() => void service.publish('quick').then(() => service.publish('breaks')).catch(() => undefined), 300);
    onTestFinished(() => clearInterval(sending));
    expect(await json.exited(60_000)).toMatchObject({ code: 0 });
    const found = json.lines.all.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(found).toHaveLength(3);
    for (const event of found) expect(event).toMatchObject({ pid: process.pid, host: expect.any(String), level: 'debug', task: { name: 'quick' } });
    expect(await text.line(/task\.dead-lettered/, 60_000)).toMatch(new RegExp(`Z  error  [^ ]+:${process.pid}  task.dead-lettered  Task "breaks"`));
    text.signal('SIGINT');
    expect(await text.exited(60_000)).toMatchObject({ code: 130 });
    expect(text.lines.all.filter((line) => line.includes('quick'))).toEqual([]);
    await unread.line(/task\.started/, 60_000);
    unread.closeOutput();
    expect(await unread.exited(60_000)).toMatchObject({ code: 0 });
    expect(await runCli(['events', '--for', '100ms', '--type', 'schedule.*', '--json'], place)).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect((await runCli(['events', '--level', 'loud'], place)).code).toBe(2);
  });
});
