import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterEach, describe, expect, it } from 'vitest';
import {
  chain, chord, DispatcherModule, DispatcherService, group, Task, task, TaskCancelledError, TaskContext,
  type DispatcherEvent, type PublishedWorkflow, type ServerConfig, type StepProgress, type Workflow, type WorkerConfig,
} from '../../lib/index.js';
import { WorkflowStore } from '../../lib/workflows/workflow-store.js';
import { cancelled } from '../../lib/workflows/workflow-state.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { firstOf } from '../support/present.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { Arrivals, eventually } from '../support/wait.js';

@Injectable()
class Tasks {
  readonly ran = new Arrivals<string>();
  readonly reasons = new Arrivals<unknown>();
  @Task('quick') quick(): string { return this.told('quick'); }
  @Task('never') never(): string { return this.told('never'); }
  /** Runs until it is asked to stop, and then fails with whatever it fails with. */
  @Task('obeys', { retry: { attempts: 5, delaySeconds: 0 } }) obeys(@TaskContext() { signal }: TaskContext): Promise<never> {
    this.told('obeys');
    return new Promise((_, reject) => { signal.addEventListener('abort', () => { this.reasons.add(signal.reason); reject(new Error('interrupted')); }); });
  }
  @Task('finishes') finishes(@TaskContext() { signal }: TaskContext): Promise<string> {
    this.told('finishes');
    return new Promise((resolve) => { signal.addEventListener('abort', () => resolve('done all the same')); });
  }
  private told(what: string): string { this.ran.add(what); return what; }
}

const clean: (() => unknown)[] = [];
afterEach(async () => { for (const step of clean.splice(0).reverse()) await step(); });

const places: [string, () => Partial<ServerConfig>][] = [
  ['RabbitMQ alone', () => ({ broker: sharedRabbitMqUrl(), resultBackend: sharedRabbitMqUrl() })],
  ['an embedded folder', () => {
    const folder = temporaryFolder('cancel-workflow');
    clean.push(() => removeFolder(folder));
    return { broker: `embedded:${folder}`, resultBackend: `embedded:${folder}` };
  }],
];

function configFor(place: Partial<ServerConfig>): ServerConfig & { workers: [WorkerConfig] } {
  const exchange = uniqueName('cancel-workflow');
  const queue = `${exchange}.q`;
  const { broker } = place;
  if (typeof broker === 'string' && broker.startsWith('amqp')) clean.push(() => removeExchange(broker, exchange, [queue]));
  return { ...place, exchange, defaultRoutingKey: 'key', shutdownTimeoutSeconds: 10, results: 'all', workers: [{ name: 'w', queue, bindingKeys: ['key'], limit: 4 }] };
}

async function start(config: ServerConfig) {
  const module = await Test.createTestingModule({ imports: [DispatcherModule.forRoot({ logger: new KeptLog(), ...config })], providers: [Tasks] }).compile();
  const app = await module.init();
  clean.push(() => app.close());
  const [service, tasks] = [app.get(DispatcherService), app.get(Tasks)];
  const ends = new Arrivals<DispatcherEvent>();
  service.events().subscribe((event) => { if (event.type === 'task.cancelled' || event.type === 'task.dead-lettered') ends.add(event); });
  return { app, service, tasks, ends };
}

function* leaves(step: StepProgress): Generator<StepProgress> {
  if (step.kind === 'task') yield step;
  for (const one of step.steps ?? []) yield* leaves(one);
}

const watched = (one: Workflow): Workflow => one.onSuccess(task('never')).onError(task('never'));
const TEXT = 'Its workflow was cancelled: the customer left';

describe.each(places)('cancelling a workflow on %s', (_title, place) => {
  /** Four run, in four depths; three wait in the queue; the rest has not begun. */
  const nested = (): Workflow => watched(chain(task('quick'), group(
    watched(task('obeys')), chain(watched(task('obeys')), task('never')), chord(group(task('obeys'), group(chain(task('obeys')), task('never'))), task('never')), task('never'), task('never'),
  ), task('never')));

  it('stops what runs, keeps what waits from running, and says so of each', async () => {
    const config = configFor(place());
    const { service, tasks, ends } = await start(config);
    const canceller = await start({ ...config, role: 'publisher' });
    const { uuid } = await service.publish(nested());
    await tasks.ran.until(() => tasks.ran.all.filter((name) => name === 'obeys').length === 4, 20_000, () => 'four running steps');
    const published = canceller.service.workflow(uuid);
    expect(await published.cancel('the customer left')).toBe(true);
    await ends.count(7);
    expect(ends.all.map((event) => [event.type, 'reason' in event && event.reason])).toEqual(Array.from({ length: 7 }, () => ['task.cancelled', TEXT]));
    expect(tasks.reasons.all).toHaveLength(4);
    for (const reason of tasks.reasons.all) expect(reason).toBeInstanceOf(TaskCancelledError);
    await expect(published.result()).rejects.toThrow(/was cancelled: the customer left/);
    const states: [string, string, string | undefined][] = [];
    for (const step of leaves((await published.progress())?.root as StepProgress)) {
      const record = await canceller.service.task(step.uuid as string).state();
      if (record !== undefined) states.push([record.name, step.status, record.outcome?.kind === 'error' ? record.outcome.error.message : record.state]);
    }
    const told = expect.stringMatching(new RegExp(`was cancelled: ${TEXT}$`));
    expect(states).toEqual([['quick', 'succeeded', 'succeeded'], ...[...Array<string>(4).fill('obeys'), ...Array<string>(3).fill('never')].map(() => [expect.any(String), 'cancelled', told])]);
    expect(await service.publish('quick').then((one) => one.result())).toBe('quick');
    expect(tasks.ran.all.filter((name) => name === 'never')).toEqual([]);
    expect(await service.depth(config.workers[0].queue)).toBe(0);
    expect(await service.depth(`${config.workers[0].queue}.dead`)).toBe(0);
  });

  it('takes one note, whatever its size, and the running members of every process', async () => {
    const config = configFor(place());
    const all = [await start(config), await start(config)];
    const [{ service }] = all as [Awaited<ReturnType<typeof start>>];
    const other = await service.publish(task('finishes'));
    const published = await service.publish(group(Array.from({ length: 120 }, () => task('obeys'))));
    const running = (): number => all.flatMap(({ tasks }) => tasks.ran.all).length;
    await eventually(() => running(), (count) => count === 8, 'eight running tasks');
    expect(await published.cancel('the customer left')).toBe(true);
    expect(await published.cancel('again')).toBe(false);
    expect(await service.depth(`${config.exchange}.control.v1.cancellations`)).toBe(1);
    await eventually(() => all.flatMap(({ ends }) => ends.all).length, (count) => count === 120, 'all members to end', { limitMs: 30_000 });
    expect(all.flatMap(({ tasks }) => tasks.reasons.all)).toHaveLength(7);
    expect((await other.progress())?.status).toBe('running');
    await other.cancel();
    expect(await eventually(() => service.depth(config.workers[0].queue), (depth) => depth === 0, 'the queue to be empty')).toBe(0);
  });

  it('is completed by a second call, where the first died after it had written the state', async () => {
    const config = configFor(place());
    const { service, tasks, ends } = await start(config);
    const published: PublishedWorkflow = await service.publish(chain(task('obeys'), task('never')));
    await tasks.ran.count(1);
    const { shared } = service['parts'];
    await new WorkflowStore(() => shared.backend(), 60_000).changeState(published.uuid, (state) => cancelled(state, 'the customer left', Date.now()));
    expect(tasks.reasons.all).toEqual([]);
    expect(await published.cancel('for another reason')).toBe(false);
    await ends.count(1);
    expect(ends.all).toMatchObject([{ type: 'task.cancelled', reason: TEXT }]);
  });

  it('starts nothing after a step that succeeds all the same', async () => {
    const { service, tasks, ends } = await start(configFor(place()));
    const published = await service.publish(watched(chain(watched(task('finishes')), watched(task('never')))));
    await tasks.ran.count(1);
    await published.cancel('the customer left');
    await ends.count(1);
    expect(ends.all).toMatchObject([{ type: 'task.cancelled', reason: TEXT, task: { name: 'never' } }]);
    const [first] = firstOf([...leaves((await published.progress())?.root as StepProgress)], 1);
    expect(first).toMatchObject({ status: 'succeeded' });
    expect(await service.task(first.uuid as string).result()).toBe('done all the same');
    await expect(published.result()).rejects.toThrow(/was cancelled: the customer left/);
    expect(tasks.ran.all).toEqual(['finishes']);
  });
});
