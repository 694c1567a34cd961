import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { describe, expect, it } from 'vitest';
import { DispatcherModule, DispatcherService, RetryLater, Task, TaskContext, type DispatcherEvent } from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { redisBroker } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';
import { Arrivals } from '../support/wait.js';

interface Run { task: string; uuid: string; attempt: number; at: number; due: unknown }

@Injectable()
class Tasks {
  readonly runs = new Arrivals<Run>();

  @Task('plain') plain(@TaskContext() context: TaskContext): void { this.note(context); }

  @Task('flaky', { retry: { attempts: 3, backoff: 'fixed', delaySeconds: 0.3, jitter: 0 } })
  flaky(@TaskContext() context: TaskContext): void {
    this.note(context);
    if (context.attempt < 3) throw new Error('not yet');
  }

  @Task('later') later(@TaskContext() context: TaskContext): void {
    this.note(context);
    // eslint-disable-next-line @typescript-eslint/only-throw-error -- a verdict is no error
    if (this.runs.all.length < 3) throw new RetryLater(0.3);
  }

  private note({ name, uuid, attempt, headers }: TaskContext): void {
    this.runs.add({ task: name, uuid, attempt, at: Date.now(), due: headers['x-dispatcher-due'] });
  }
}

async function start(broker: string): Promise<{ service: DispatcherService; tasks: Tasks; events: Arrivals<DispatcherEvent> }> {
  const exchange = uniqueName('delayed');
  if (broker.startsWith('amqp')) onTestFinished(() => removeExchange(sharedRabbitMqUrl(), exchange, [`${exchange}.q`]));
  const config = { broker, exchange, defaultRoutingKey: 'key', workers: [{ name: 'worker_1', queue: `${exchange}.q`, bindingKeys: ['key'] }], logger: new KeptLog() };
  const app = await (await Test.createTestingModule({ imports: [DispatcherModule.forRoot(config)], providers: [Tasks] }).compile()).init();
  onTestFinished(() => app.close());
  const service = app.get(DispatcherService);
  const events = new Arrivals<DispatcherEvent>();
  service.events().subscribe(events.add);
  return { service, tasks: app.get(Tasks), events };
}

describe.concurrent.each([
  ['embedded, in memory', () => 'embedded:'],
  ['embedded, in a folder', () => {
    const folder = temporaryFolder('delayed');
    onTestFinished(() => removeFolder(folder));
    return `embedded:${folder}`;
  }],
  ['amqp', () => sharedRabbitMqUrl()],
  ...redisBroker(),
])('tasks for later on %s', (_, brokerUrl) => {
  it('run after their delay, at their time, and at once when that is over; those of one list too', async () => {
    const { service, tasks } = await start(brokerUrl());
    const published = Date.now();
    const eta = new Date(published + 900);
    const first = await service.publish({ name: 'plain', delaySeconds: 0.4 });
    const second = await service.publish({ name: 'plain', eta });
    const third = await service.publish({ name: 'plain', eta: '2001-01-01T00:00:00Z' });
    const last = new Date(Date.now() + 1_000);
    const [fourth] = await service.publishMany([{ name: 'plain', eta: last.toISOString() }]);
    await service.client(Tasks, { delaySeconds: 0.2 }).plain();
    const runs = await tasks.runs.count(5);
    const runOf = (uuid: string): Run => runs.find((run) => run.uuid === uuid) as Run;
    expect(runOf(first.uuid).at).toBeGreaterThanOrEqual(published + 400);
    expect(runOf(first.uuid).due).toBeGreaterThanOrEqual(published + 400);
    expect(runOf(second.uuid).at).toBeGreaterThanOrEqual(eta.getTime());
    expect(runOf(third.uuid).due).toBeUndefined();
    expect(fourth).toMatchObject({ accepted: true });
    const { due, at } = runOf((fourth as { uuid: string }).uuid);
    expect(due).toBe(last.getTime());
    expect(at).toBeGreaterThanOrEqual(last.getTime());
  });

  it.each(['flaky', 'later'])('are retried after their delay, each time after a pause (%s)', async (name) => {
    const { service, tasks } = await start(brokerUrl());
    const published = Date.now();
    const { uuid } = await service.publish({ name, delaySeconds: 0.3 });
    const runs = await tasks.runs.count(3);
    expect(runs.map((run) => [run.uuid, run.attempt])).toEqual((name === 'flaky' ? [1, 2, 3] : [1, 1, 1]).map((attempt) => [uuid, attempt]));
    runs.forEach((run, index) => expect(run.at).toBeGreaterThanOrEqual((index === 0 ? published : (runs[index - 1] as Run).at) + 300));
  });

  it('expire: a retry that comes too late is reported and not run', async () => {
    const { service, tasks, events } = await start(brokerUrl());
    const { uuid } = await service.publish({ name: 'flaky', expiresInSeconds: 5, retry: { delaySeconds: 6 } });
    const event = await events.first(({ type }) => type === 'task.expired', 'the report');
    expect(event).toMatchObject({ task: { uuid, name: 'flaky', attempt: 2 } });
    expect(tasks.runs.all).toHaveLength(1);
  });
});
