import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { currentTask, DispatcherModule, DispatcherService, Task, TaskContext, type DispatcherEvent, type TaskArgument, type WorkerConfig } from '../../lib/index.js';
import { asGoPrintsIt, fromGo, toGo } from '../support/go-arguments.js';
import { GO_KINDS, useGoService } from '../support/go-service.js';
import { Ledger } from '../support/ledger.js';
import { KeptLog } from '../support/nest-app.js';
import type { Child } from '../support/processes.js';
import { Arrivals, emission } from '../support/wait.js';

interface Ran { task: string; args: unknown[]; uuid: string; tenant: unknown }

@Injectable()
class Tasks {
  readonly ran = new Arrivals<Ran>();
  onRun?: (uuid: string) => void;

  @Task('all_types') allTypes(...args: unknown[]): void { this.note(args); }
  @Task('without_arguments') withoutArguments(...args: unknown[]): void { this.note(args); }
  @Task('counted', { taskUuidAsFirstArg: true }) counted(...args: unknown[]): void { this.note(args); }
  @Task('ours_only') oursOnly(...args: unknown[]): void { this.note(args); }
  @Task('overruns', { timeoutSeconds: 0.1 }) overruns(): Promise<never> { return new Promise(() => undefined); }

  private note(args: unknown[]): void {
    const { name, uuid, headers } = currentTask() as TaskContext;
    this.ran.add({ task: name, args, uuid, tenant: headers['tenant'] });
    this.onRun?.(uuid);
  }
}

/** What a Go child printed of one kind, parsed. */
function printed<T>(child: Child, kind: string): T[] {
  return child.lines.all.filter((line) => line.startsWith('{') && (JSON.parse(line) as { kind: string }).kind === kind).map((line) => JSON.parse(line) as T);
}

describe.each(GO_KINDS)('our module and Go on one queue: $kind', ({ kind }) => {
  const go = useGoService(kind);
  const close: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const step of close.splice(0)) await step();
  });

  /** `tasks`: what its worker runs; undefined for an application that only publishes. */
  async function startOurs(tasks?: string[], worker: Partial<WorkerConfig> = {}) {
    const { exchange, queue, key } = go.names;
    // As Go declares it, whatever the server takes by default.
    const bound = { queue, bindingKeys: [key], type: 'server-default' as const };
    const module = await Test.createTestingModule({
      imports: [DispatcherModule.forRoot({
        broker: go.url, exchange, defaultRoutingKey: key, logger: new KeptLog(), shutdownTimeoutSeconds: 2,
        initQueues: [{ name: queue, bindingKeys: [key], type: 'server-default' }],
        workers: tasks === undefined ? [] : [{ name: 'ours', ...bound, tasks, ...worker }],
      })],
      providers: [Tasks],
    }).compile();
    const app = await module.init();
    close.push(() => app.close());
    return { service: app.get(DispatcherService), tasks: app.get(Tasks) };
  }

  async function startGoWorker(): Promise<Child> {
    const worker = go.start('work');
    await worker.line(/"working"/);
    return worker;
  }

  it('runs in Go what the service publishes: every type, our headers, a uuid first', async () => {
    const { service } = await startOurs();
    const worker = await startGoWorker();
    await service.publish({ name: 'all_types', args: toGo(1), headers: { tenant: 'ours', nested: { list: [1, 'two'] } } });
    const { uuid } = await service.publish({ name: 'with_uuid', args: [{ type: 'string', value: 'last' }] });
    await worker.lines.until(() => printed(worker, 'ran').length === 2, 30_000, () => `2 runs in Go\n${worker.stderr}`);
    const runs = printed<{ name: string; args: string[] }>(worker, 'ran');
    expect(runs.find(({ name }) => name === 'all_types')?.args).toEqual(asGoPrintsIt(1));
    expect(runs.find(({ name }) => name === 'with_uuid')?.args).toEqual([uuid, 'last']);
  });

  it('runs in a handler what Go published before there was one: every type, its headers, no arguments', async () => {
    const sender = go.start('send', '-count', '5');
    await sender.line(/"sent"/);
    expect(await sender.exited()).toEqual({ code: 0, signal: null });
    const { tasks } = await startOurs(['all_types', 'without_arguments']);
    const ran = await tasks.ran.count(6);
    const typed = ran.filter(({ task }) => task === 'all_types');
    expect(typed.map(({ args }) => args)).toEqual([0, 1, 2, 3, 4].map((n) => fromGo(n).map(({ value }) => value)));
    expect(new Set(typed.map(({ tenant }) => tenant))).toEqual(new Set(['go']));
    expect(ran.filter(({ task }) => task === 'without_arguments').map(({ args }) => args)).toEqual([[]]);
  });

  it('frees the slots in Go of three tasks of ours that overrun their timeout', async () => {
    const { service } = await startOurs();
    const worker = await startGoWorker();
    for (const n of [1, 2, 3]) await service.publish({ name: 'overruns', args: [{ type: 'int', value: n }] });
    await service.publish({ name: 'with_uuid', args: [{ type: 'string', value: 'after them' }] });
    await worker.line(/after them/);
    expect(printed(worker, 'overruns')).toHaveLength(3);
  });

  it('makes a dead letter here of a task of Go that overruns its timeout, and runs the next', async () => {
    const { service, tasks } = await startOurs(['overruns', 'counted'], { limit: 1 });
    const dead = emission(service.events(), ({ type }) => type === 'task.dead-lettered', 'the dead letter');
    await go.start('count', '-task', 'overruns', '-count', '1').line(/"sent"/);
    await go.start('count', '-count', '1').line(/"sent"/);
    expect(await dead).toMatchObject({ reason: 'timed-out' } satisfies Partial<Extract<DispatcherEvent, { type: 'task.dead-lettered' }>>);
    expect((await tasks.ran.count(1))[0]).toMatchObject({ task: 'counted', args: [expect.any(String), 0] });
  });

  it('takes what Go does not know and puts back, and gives back what only Go knows', async () => {
    const { service, tasks } = await startOurs(['ours_only'], { unknownTaskGraceSeconds: 3_600 });
    const returned = new Set<string>();
    const allReturned = emission(service.events(), (event) => event.type === 'task.returned' && returned.add(event.task.uuid).size === 6, '6 tasks given back');
    const args: TaskArgument[] = [{ type: 'int', value: 100 }];
    const publish = (name: string, count: number) => Promise.all(Array.from({ length: count }, () => service.publish({ name, args })));
    await Promise.all([publish('counted', 3), go.start('count', '-count', '3').line(/"sent"/)]);
    await allReturned;
    const worker = await startGoWorker();
    await Promise.all([publish('ours_only', 10), go.start('count', '-task', 'ours_only', '-count', '10').line(/"sent"/)]);
    expect((await tasks.ran.count(20)).map(({ task }) => task)).toEqual(Array.from({ length: 20 }, () => 'ours_only'));
    // With both there, it would be chance who is offered it next.
    await service.worker('ours').close();
    await worker.lines.until(() => printed(worker, 'finished').length >= 6, 30_000, () => `6 tasks finished in Go, ${printed(worker, 'finished').length} did`);
    expect(new Set(printed<{ uuid: string }>(worker, 'finished').map(({ uuid }) => uuid))).toEqual(returned);
  });

  it('runs 2,000 tasks of both publishers once each, in the workers of both', async () => {
    const [ledger, each] = [new Ledger(), 1_000];
    const { service, tasks } = await startOurs(['counted'], { limit: 10 });
    let ours = 0;
    tasks.onRun = (uuid) => {
      ledger.add({ kind: 'started', uuid });
      ledger.add({ kind: 'finished', uuid });
      ours += 1;
    };
    const worker = await startGoWorker();
    worker.onLine(ledger.addLine);
    const sender = go.start('count', '-count', String(each));
    sender.onLine(ledger.addLine);
    for (let n = 0; n < each; n += 1) {
      const uuid = randomUUID();
      await ledger.offer(uuid, () => service.publish({ name: 'counted', uuid, args: [{ type: 'int', value: n }] }));
    }
    await sender.line(/"sent"/);
    await ledger.until(() => ledger.accepted.size === 2 * each && ledger.finished.size === 2 * each, 50_000, 'both to be published and finished');
    expect([ledger.lost(), ledger.invented(), ledger.duplicates(), ledger.rejected.size, ledger.dead.size]).toEqual([[], [], [], 0, 0]);
    const there = printed(worker, 'finished').length;
    expect([ours + there, ours > 0, there > 0]).toEqual([2 * each, true, true]);
  });
});
