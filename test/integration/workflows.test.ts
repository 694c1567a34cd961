import { randomUUID } from 'node:crypto';
import { inspect } from 'node:util';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  chain, chord, currentTask, DispatcherModule, DispatcherService, group, signature, Task, task, TaskFailedError, type EventOf, type PublishedWorkflow, type ServerConfig, type Workflow,
} from '../../lib/index.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { KeptLog } from '../support/nest-app.js';
import { redisBroker } from '../support/nest-on-broker.js';
import { isMissing, ResultServers, type ResultServerName } from '../support/result-servers.js';
import { sharedRabbitMqUrl, uniqueName } from '../support/shared-rabbitmq.js';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';
import { onTestFinished } from '../support/test-end.js';
import { Arrivals, eventually, Signal } from '../support/wait.js';

class Point { readonly x = 3; }

/** What a step returns, and what the next one gets; or with what it fails. */
const SPECIAL: Readonly<Record<string, { returns: () => unknown; gets: string | RegExp }>> = {
  'a bigint': { returns: () => 2n ** 63n, gets: '9223372036854775808n' },
  'bigints within': { returns: () => [2n ** 63n, 1n], gets: '[ 9223372036854775808n, 1 ]' },
  'undefined': { returns: () => undefined, gets: 'null' },
  'undefined within': { returns: () => ({ list: [undefined], gone: undefined }), gets: '{ list: [ null ] }' },
  'a Date': { returns: () => new Date(0), gets: "'1970-01-01T00:00:00.000Z'" },
  'a class instance': { returns: () => new Point(), gets: '{ x: 3 }' },
  'more than 64 bits': { returns: () => 2n ** 64n, gets: /found the bigint 18446744073709551616/ },
  'NaN': { returns: () => Number.NaN, gets: /expected a finite number, found the number NaN/ },
  'Infinity within': { returns: () => [Infinity], gets: /at 0: expected a finite number, found Infinity/ },
  'a Map': { returns: () => new Map(), gets: /What the task returned cannot be kept: a Map has no JSON form/ },
  'a function': { returns: () => () => 1, gets: /What the task returned cannot be kept: a function cannot be a result/ },
};

@Injectable()
class Tasks {
  readonly ran = new Arrivals<string>();
  readonly gate = new Signal();
  broken = true;
  @Task('add') add(...numbers: number[]): number { return this.told(`add ${numbers.join(' ')}`, numbers.reduce((sum, one) => sum + one, 0)); }
  @Task('sum') sum(numbers: number[], extra = 0): number { return this.told('sum', numbers.reduce((sum, one) => sum + one, extra)); }
  @Task('big') big(value: bigint): bigint { return value * 2n; }
  @Task('kind') kind(...values: unknown[]): string { return values.map((value) => typeof value).join(' '); }
  @Task('list') list(...values: unknown[]): unknown { return values; }
  @Task('nothing') nothing(): void { this.told('nothing', undefined); }
  @Task('note') note(...values: unknown[]): void { this.told(`note ${JSON.stringify(values)}`, undefined); }
  @Task('circle') circle(): object { const circle: Record<string, unknown> = {}; return Object.assign(circle, { circle }); }
  @Task('hold') async hold(): Promise<void> { this.told('hold', undefined); await this.gate.promise; }
  @Task('special') special(kind: string): unknown { return SPECIAL[kind]?.returns(); }
  @Task('see') see(value: unknown): string { return inspect(value); }
  @Task('text') text(bytes: number): string { return 'x'.repeat(bytes); }
  @Task('length') length(text: string): number { return text.length; }
  @Task('breaks') breaks(value = 0): number {
    if (this.broken) throw new RangeError('it is broken');
    return this.told('mended', value + 1);
  }
  @Task('flaky', { retry: { attempts: 3, delaySeconds: 0.05, backoff: 'fixed' } }) flaky(): string {
    if ((currentTask()?.attempt ?? 0) < 3) throw new Error('not yet');
    return 'at last';
  }
  private told<T>(what: string, value: T): T { this.ran.add(what); return value; }
}

const servers = new ResultServers();
afterAll(() => servers.stop());

interface Running { service: DispatcherService; tasks: Tasks; log: KeptLog }

async function start(config: Partial<ServerConfig>, exchange: string): Promise<Running> {
  const log = new KeptLog();
  const module = await Test.createTestingModule({
    imports: [DispatcherModule.forRoot({
      exchange, defaultRoutingKey: 'key', logger: log, workers: [{ name: 'w', queue: `${exchange}.q`, limit: 10, bindingKeys: ['key'] }], ...config,
    })],
    providers: [Tasks],
  }).compile();
  const app = await module.init();
  onTestFinished(() => app.close());
  return { service: app.get(DispatcherService), tasks: app.get(Tasks), log };
}

interface Place {
  readonly title: string;
  readonly server?: ResultServerName;
  readonly broker: () => string;
  /** The largest result of a step that can be kept, in MiB, where 5 are too many. */
  readonly most?: 1;
}

const newFolder = (): string => {
  const folder = temporaryFolder('workflows');
  onTestFinished(() => removeFolder(folder));
  return `embedded:${folder}`;
};

const places: readonly Place[] = [
  { title: 'embedded:, kept in embedded:', broker: () => 'embedded:' },
  { title: 'an embedded folder, kept in the folder', broker: newFolder },
  { title: 'embedded:, kept in Redis', broker: () => 'embedded:', server: 'Redis' },
  { title: 'RabbitMQ alone', broker: sharedRabbitMqUrl, most: 1 },
  { title: 'RabbitMQ, kept in Redis', broker: sharedRabbitMqUrl, server: 'Redis' },
  ...redisBroker().map(([, broker]): Place => ({ title: 'Redis alone', broker })),
  { title: 'embedded:, kept in MongoDB', broker: () => 'embedded:', server: 'MongoDB' },
  { title: 'embedded:, kept in memcached', broker: () => 'embedded:', server: 'memcached', most: 1 },
];

describe.concurrent.each(places.filter(({ server }) => !isMissing(server)))('workflows on $title', ({ title, broker, server, most }) => {
  let url: string | undefined;
  beforeAll(async () => { url = server && await servers.url(server); });

  async function dispatcher(more: Partial<ServerConfig> = {}): Promise<Running> {
    const exchange = uniqueName('workflows');
    if (title.startsWith('RabbitMQ')) onTestFinished(() => removeExchange(sharedRabbitMqUrl(), exchange));
    return start({ broker: broker(), resultBackend: url, ...more }, exchange);
  }

  async function result(workflow: Workflow): Promise<unknown> {
    const { service } = await dispatcher();
    return (await service.publish(workflow)).result();
  }

  it('a chain passes each result on as the first argument, unless the next is immutable', async () => {
    expect(await result(chain(task('add', 1, 2), task('add', 10), task('add', 100)))).toBe(113);
    expect(await result(chain(task('add', 1, 2), task('add', 10).immutable(), { name: 'add', args: [{ type: 'int', value: 5 }] }))).toBe(15);
  });

  it('are listed, the latest first, with how each stands and how far it has come', async () => {
    const { service, tasks } = await dispatcher();
    const [first, second, third] = [
      await service.publish(chain(task('add', 1, 2), task('add', 3))), await service.publish(group([task('breaks'), task('add', 1)])), await service.publish(chain(task('nothing'), task('hold'), task('nothing'))),
    ];
    const { workflows } = await eventually(() => service.inspect.workflows(), (page) => page.workflows.map(({ status, steps }) => `${status} ${steps?.ended}`).join() === 'running 1,failed 1,succeeded 2', 'how each stands');
    expect(workflows).toMatchObject([
      { uuid: third.uuid, name: 'nothing → hold → nothing', status: 'running', steps: { ended: 1, total: 3 } },
      { uuid: second.uuid, name: 'group of 2', status: 'failed', error: expect.stringContaining('it is broken'), endedAt: expect.any(Number), steps: { ended: 1, total: 2 } },
      { uuid: first.uuid, name: 'add → add', status: 'succeeded', startedAt: expect.any(Number), endedAt: expect.any(Number), retries: 0, steps: { ended: 2, total: 2 } },
    ]);
    const page = await service.inspect.workflows({ limit: 2 });
    expect((await service.inspect.workflows({ limit: 2, after: page.next as string })).workflows.map(({ uuid }) => uuid)).toEqual([first.uuid]);
    expect((await service.inspect.workflows({ status: 'failed' })).workflows.map(({ uuid }) => uuid)).toEqual([second.uuid]);
    tasks.gate.fire();
    await third.result();
    expect((await service.inspect.workflows({ name: '*hold*' })).workflows).toMatchObject([{ uuid: third.uuid, status: 'succeeded' }]);
  });

  it('a result keeps its type on the way', async () => {
    expect(await result(chain(task('big', 2n ** 60n), task('big')))).toBe(2n ** 62n);
    expect(await result(chain(task('nothing'), task('kind', 'x')))).toBe('object string');
    expect(await result(chain(task('add', 0.5, 0.25), task('kind')))).toBe('number');
    expect(await result(chain(group(task('big', 1n), task('nothing'), task('kind')), task('list', 7)))).toEqual([[expect.anything(), null, ''], 7]);
  });

  it('a group gives the results in its order, a chord passes them to its callback', async () => {
    const members = Array.from({ length: 20 }, (_, index) => task('add', index, 1));
    expect(await result(group(...members))).toEqual(members.map((_, index) => index + 1));
    expect(await result(chord(group(members, { sendConcurrency: 3 }), task('sum', 5)))).toBe(215);
  });

  it('everything nests in everything', async () => {
    const workflow = chain(task('add', 1), group(chain(task('add', 1), task('add', 1)), chord(group(task('add', 10), task('add', 20)), task('sum'))), task('sum', 1000));
    // 1 -> [1+1+1, (1+10)+(1+20)] -> 3 + 32 + 1000
    expect(await result(workflow)).toBe(1035);
  });

  it('a group is read while it is sent, and completes when it is known to be all', async () => {
    async function* members(): AsyncGenerator<Workflow> {
      for (let index = 0; index < 250; index++) {
        await Promise.resolve();
        yield index % 50 === 0 ? chain(task('add', index), task('add', 0)) : task('add', index);
      }
    }
    expect(await result(chord(group(members(), { sendConcurrency: 20 }), task('sum')))).toBe(31125);
    expect(await result(group(Array.from({ length: 250 }, (_, index) => task('add', index))))).toHaveLength(250);
  });

  it('callbacks are told of a success or a failure, of a step or of the whole', async () => {
    const { service, tasks } = await dispatcher();
    await (await service.publish(chain(task('add', 1), task('add', 2).onSuccess(task('note', 'step'))).onSuccess(task('note', 'whole')).onError(task('note', 'never')))).result();
    await tasks.ran.first((what) => what === 'note [3,"step"]', 'the callback of the step');
    await tasks.ran.first((what) => what === 'note [3,"whole"]', 'the callback of the whole');
    const failing = await service.publish(chain(task('add', 1), task('breaks').onError(task('note', 'step')), task('add', 5)).onError(task('note', 'whole'), chain(task('note').immutable(), task('note', 'after'))));
    const failure: unknown = await failing.result().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(TaskFailedError);
    expect(failure).toMatchObject({ message: expect.stringContaining('RangeError: it is broken'), cause: { name: 'RangeError' } });
    await tasks.ran.first((what) => what === 'note ["RangeError: it is broken","step"]', 'the error callback of the step');
    await tasks.ran.first((what) => what === 'note ["RangeError: it is broken","whole"]', 'the error callback of the whole');
    await tasks.ran.first((what) => what === 'note [null,"after"]', 'a chain as a callback');
    expect(tasks.ran.all.filter((what) => what.includes('never') || what === 'add 5')).toEqual([]);
  });

  it('a group that waits for all gives what became of each', async () => {
    expect(await result(group([task('add', 1), task('breaks'), task('flaky')], { mode: 'all-settled' }))).toEqual([
      { status: 'fulfilled', value: 1 }, { status: 'rejected', reason: 'RangeError: it is broken' }, { status: 'fulfilled', value: 'at last' },
    ]);
  });

  it('a failed one goes on from where it stopped', async () => {
    const { service, tasks } = await dispatcher();
    const published = await service.publish(chain(task('add', 1), group(task('breaks'), task('add', 10)), task('sum')));
    await expect(published.result()).rejects.toThrow(/it is broken/);
    await tasks.ran.first((what) => what === 'add 1 10', 'the other member');
    expect((await published.progress())?.root).toMatchObject({
      status: 'failed', steps: [{ status: 'succeeded', label: 'add(..., 1)' }, { kind: 'group', size: 2 }, { status: 'waiting' }],
    });
    tasks.broken = false;
    expect(await service.workflow(published.uuid).retry()).toBe(1);
    expect(await eventually(() => published.result(), () => true, 'the result')).toBe(13);
    expect(tasks.ran.all.sort()).toEqual(['add 1', 'add 1 10', 'mended', 'sum']);
    expect((await published.progress())).toMatchObject({ status: 'succeeded', retries: 1, root: { steps: [{ status: 'succeeded' }, { ended: 2, failed: 0 }, { status: 'succeeded' }] } });
    await expect(published.retry()).rejects.toThrow(/has succeeded; only a failed one can be retried/);
  });

  it('replaying the dead letter has the workflow go on as well', async () => {
    const { service, tasks } = await dispatcher();
    const published = await service.publish(chain(task('breaks', 1), task('add', 1)));
    await expect(published.result()).rejects.toThrow(/it is broken/);
    tasks.broken = false;
    const { queue } = service.worker('w');
    expect((await service.deadLetters.replayAll(queue)).replayed).toBe(1);
    expect(await eventually(() => published.result(), () => true, 'the result')).toBe(3);
  });

  it('cancelled, nothing of it starts any more', async () => {
    const { service, tasks } = await dispatcher();
    const published = await service.publish(chain(task('hold'), task('add', 1)).onError(task('note', 'never')));
    await tasks.ran.first((what) => what === 'hold', 'the first step');
    expect((await published.progress())?.root.steps).toMatchObject([{ status: 'active' }, { status: 'waiting' }]);
    expect(await published.cancel('the customer left')).toBe(true);
    expect(await published.cancel()).toBe(false);
    tasks.gate.fire();
    await expect(published.result()).rejects.toThrow(/was cancelled: the customer left/);
    expect(await result(chain(task('add', 1)))).toBe(1);
    expect(tasks.ran.all).toEqual(['hold']);
    await expect(published.retry()).rejects.toThrow(/been cancelled/);
  });

  it('events tell of the whole: once each, by whoever made it so', async () => {
    const { service, tasks } = await dispatcher();
    const told = new Arrivals<[type: string, workflow: string, more: unknown]>();
    service.events({ origin: 'workflow' }).subscribe((event) => {
      const { type, workflow } = event as EventOf<'workflow.published'>;
      const { reason, retries } = event as { reason?: string; retries?: number };
      told.add([type, workflow, reason ?? retries]);
    });
    const saw = (type: string, { uuid }: PublishedWorkflow): Promise<unknown> => told.first(([each, workflow]) => each === `workflow.${type}` && workflow === uuid, type);
    const good = await service.publish(chord([task('add', 1), task('add', 2)], task('sum')));
    await saw('succeeded', good);
    const bad = await service.publish(chain(task('add', 1), task('breaks')));
    await saw('failed', bad);
    tasks.broken = false;
    await bad.retry();
    await saw('succeeded', bad);
    const held = await service.publish(chain(task('hold'), task('note')));
    await held.cancel('not needed');
    await held.cancel('still not');
    // A quick one may end before its publisher knows that the broker has all of it.
    const of = ({ uuid }: PublishedWorkflow): unknown[] => told.all.filter(([type, workflow]) => workflow === uuid && type !== 'workflow.published').map(([type, , more]) => [type, more]);
    expect(of(good)).toEqual([['workflow.succeeded', undefined]]);
    expect(of(bad)).toEqual([['workflow.failed', 'RangeError: it is broken'], ['workflow.resumed', 1], ['workflow.succeeded', undefined]]);
    expect(of(held)).toEqual([['workflow.cancelled', 'not needed']]);
    expect(told.all.filter(([type]) => type === 'workflow.published').map(([, workflow]) => workflow)).toEqual([good.uuid, bad.uuid, held.uuid]);
    tasks.gate.fire();
  });

  it('what cannot go on is a failure with a reason, not a standstill', async () => {
    const { service } = await dispatcher();
    const told = async (workflow: Workflow): Promise<string> => String(await (await service.publish(workflow)).result().catch((error: unknown) => error));
    expect(await told(chain(task('circle'), task('add')))).toMatch(/What the task returned cannot be kept/);
    expect(await told(chain(task('add', 1), signature({ name: 'add', routingKey: 'nobody' })))).toMatch(/routing key ["']nobody["']/);
  });

  it('a result too large for what keeps it is the failure of its step', async () => {
    const { service } = await dispatcher();
    const outcome = (await service.publish(chain(task('text', 5 * 1024 * 1024), task('length')))).result();
    if (most === undefined) expect(await outcome).toBe(5 * 1024 * 1024);
    else await expect(outcome).rejects.toThrow(/too large for the result backend at .* keeps up to 1\d{6}\. Store it elsewhere and keep its key/);
  });

  it('the result of the whole may be too large where each part was not: then it has failed with that', async () => {
    const { service } = await dispatcher();
    const published = await service.publish(group(Array.from({ length: 3 }, () => task('text', 512 * 1024))));
    if (most === undefined) expect((await published.result() as string[]).map(({ length }) => length)).toEqual([524_288, 524_288, 524_288]);
    else await expect(published.result()).rejects.toThrow(/failed: ResultTooLargeError: .*too large for the result backend/);
    expect(await published.progress()).toMatchObject({ status: most === undefined ? 'succeeded' : 'failed', root: { ended: 3, failed: 0 } });
  });

  it('a plan too large for what keeps it is refused', async () => {
    const { service, tasks } = await dispatcher();
    const publishing = service.publish(chain(task('see', 1).immutable(), task('see', 'x'.repeat(1.5 * 1024 * 1024)).immutable()));
    if (most === undefined) expect(await (await publishing).result()).toMatch(/^'xxx/);
    else await expect(publishing).rejects.toThrow(/The plan of the workflow has 15\d{5} bytes; .*with some result backends less/);
    expect(tasks.ran.all).toEqual([]);
  });

  it('what a step returns reaches the next as the documentation says', async () => {
    const { service } = await dispatcher();
    for (const [kind, { gets }] of Object.entries(SPECIAL)) {
      const published = await service.publish(chain(task('special', kind), task('see')));
      if (typeof gets === 'string') expect(await published.result(), kind).toBe(gets);
      else await expect(published.result(), kind).rejects.toThrow(gets);
    }
  });

  it('is called off when it cannot be published', async () => {
    const { service, tasks } = await dispatcher();
    const uuid = randomUUID();
    const publishing: Promise<PublishedWorkflow> = service.publish(group(task('add', 1), signature({ name: 'add', routingKey: 'nobody' })), { uuid });
    await expect(publishing).rejects.toMatchObject({ code: 'ERR_DISPATCHER_UNROUTABLE' });
    await expect(service.workflow(uuid).result()).rejects.toThrow(/could not be published/);
    await expect(service.publish(group([].values()))).rejects.toThrow(/its iterable gave none/);
    expect(tasks.ran.all.length).toBeLessThanOrEqual(1);
  });

  it('retries of a task are none of the workflow\'s business', async () => {
    expect(await result(chain(task('flaky'), task('kind')))).toBe('string');
  });
});
