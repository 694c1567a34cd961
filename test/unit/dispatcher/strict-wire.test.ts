import { Injectable, Module } from '@nestjs/common';
import { firstValueFrom } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { chain, DispatcherModule, StrictWireError, Task, task, type DispatcherEvent, type TaskArgument } from '../../../lib/index.js';
import { harmToGo } from '../../../lib/task/gofort-strict.js';
import { startApp, WORKER } from '../../support/nest-app.js';

const LIST: TaskArgument[] = [{ type: '[]int', value: [1] }];
const JSON_ARGUMENT: TaskArgument[] = [{ type: 'json', value: {} }];

@Injectable()
class Tasks {
  @Task('plain', { retry: { attempts: 3, delaySeconds: 0, jitter: 0 } }) plain(): void { throw new Error('the handler failed'); }
  @Task('gives') gives(): unknown { return { a: 1 }; }
  @Task('takes') takes(): void { return; }
}

@Injectable()
class InFeature {
  @Task('in-feature', { queue: 'feature' }) run(): void { return; }
}

describe('what harms Go', () => {
  it.each<[string, unknown, string | undefined]>([
    ['nothing', null, undefined],
    ['all of its own types', [{ type: 'bool', value: true }, { type: 'string', value: 'x' }, { type: 'int', value: 9007199254740991 }, { type: 'float32', value: 1e38 }, { type: 'uint64', value: 5 }], undefined],
    ['a list', [{ type: 'int', value: 1 }, { type: '[]int', value: [1] }], 'its process ends'],
    ['json', [{ type: 'json', value: 1 }], 'its process ends'],
    ['a type that nobody knows', [{ type: 'int128', value: 1 }], 'its process ends'],
    ['no type', [{ value: 1 }], 'its process ends'],
    ['nothing in place of an argument', [null], 'its process ends'],
    ['null in place of a text', [{ type: 'string', value: null }], 'drops the task in silence'],
    ['a text in place of a number', [{ type: 'int', value: '1' }], 'drops the task in silence'],
    ['an int64 beyond 2^53', [{ type: 'int64', value: 9007199254740993 }], 'cannot hold it exactly'],
    ['a float beyond it', [{ type: 'float64', value: 1e300 }], undefined],
  ])('is found in %s', (_, args, found) => {
    if (found === undefined) expect(harmToGo(args)).toBeUndefined();
    else expect(harmToGo(args)?.found).toContain(found);
  });
});

describe('a queue that Go reads', () => {
  const STRICT = { initQueues: [{ name: 'go', bindingKeys: ['go'], wire: 'gofort-strict' as const }] };

  it('takes nothing that harms it, by its name or its keys, and others do', async () => {
    const { service } = await startApp({ providers: [Tasks] }, STRICT);
    const refusal = await service.publish({ name: 'plain', routingKey: 'go', args: LIST }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(StrictWireError);
    expect(refusal).toMatchObject({ code: 'ERR_DISPATCHER_STRICT_WIRE', retryable: false, fields: { task: 'plain', index: 0, type: '[]int', routingKey: 'go' } });
    expect((refusal as Error).message).toMatch(/argument 1 has the type the string "\[\]int", which gofort does not know: its process ends.*wire: 'gofort-strict'.*Pass one of/);
    await service.publish({ name: 'takes', args: LIST });
    await service.publish({ name: 'plain', routingKey: 'go', args: [{ type: 'int', value: 1 }] });
    await expect(service.publish({ name: 'x', routingKey: 'go', args: [{ type: 'int64', value: 2n ** 60n }] })).rejects.toBeInstanceOf(StrictWireError);
  });

  it('is every queue where the dispatcher says so, but those that say otherwise', async () => {
    const { service } = await startApp({ providers: [Tasks] }, { wire: 'gofort-strict', initQueues: [{ name: 'ours', bindingKeys: ['ours'], wire: 'dispatcher' }] });
    await expect(service.publish('takes', { a: 1 })).rejects.toBeInstanceOf(StrictWireError);
    await expect(service.publish({ name: 'takes', routingKey: 'unknown', args: JSON_ARGUMENT })).rejects.toBeInstanceOf(StrictWireError);
    await service.publish({ name: 'takes', routingKey: 'ours', args: JSON_ARGUMENT });
  });

  it('is protected whichever way a task takes: many, call, a client, a delay, a schedule, a step', async () => {
    const { service } = await startApp({ providers: [Tasks] }, { ...STRICT, resultBackend: 'embedded:' });
    const to = { name: 'takes', routingKey: 'go', args: LIST };
    expect(await service.publishMany([to, { ...to, args: [] }])).toMatchObject([{ accepted: false, error: { code: 'ERR_DISPATCHER_STRICT_WIRE' } }, { accepted: true }]);
    await expect(firstValueFrom(service.call(to))).rejects.toBeInstanceOf(StrictWireError);
    await expect(service.client(Tasks, { routingKey: 'go' }).takes(...[{}] as unknown as [])).rejects.toBeInstanceOf(StrictWireError);
    await expect(service.publish({ ...to, delaySeconds: 60 })).rejects.toBeInstanceOf(StrictWireError);
    await expect(service.publish({ ...to, unique: { key: 'k', scope: 'untilFinished' } })).rejects.toBeInstanceOf(StrictWireError);
    await service.schedules.add({ name: 'nightly', cron: '0 3 * * *', task: to });
    await expect(service.schedules.trigger('nightly')).rejects.toBeInstanceOf(StrictWireError);
    await expect(service.publish(chain(task('takes', [1]).options({ routingKey: 'go' }), task('takes')))).rejects.toBeInstanceOf(StrictWireError);
    const workflow = await service.publish(chain(task('gives'), task('takes').options({ routingKey: 'go' })));
    await expect(workflow.result()).rejects.toThrow(/argument 1 has the type the string "json"/);
  });

  it('gets no retry of what another process had sent there: it is a dead letter with both reasons', async () => {
    const { service, broker } = await startApp({ providers: [Tasks] }, { workers: [{ ...WORKER, wire: 'gofort-strict' }] });
    const dead = firstValueFrom(service.events({ type: 'task.dead-lettered' }));
    const body = Buffer.from(JSON.stringify({ uuid: 'u-1', name: 'plain', args: LIST }));
    // Past the dispatcher, as another process.
    await broker.publish({ body, properties: { contentType: 'application/json' } }, { queue: WORKER.queue });
    const { error } = await dead as Extract<DispatcherEvent, { type: 'task.dead-lettered' }>;
    expect((error as Error).message).toMatch(/cannot wait in its queue again: StrictWireError.*Its last attempt had failed: Error: the handler failed/);
  });

  it('may be made at run time', async () => {
    const { service } = await startApp({ providers: [Tasks] });
    await service.publish({ name: 'takes', args: LIST });
    await service.createWorker({ name: 'later', queue: 'later', bindingKeys: ['later'], wire: 'gofort-strict' });
    await expect(service.publish({ name: 'takes', routingKey: 'later', args: LIST })).rejects.toBeInstanceOf(StrictWireError);
    await service.publish({ name: 'takes', args: LIST });
  });

  it('may be one that a feature module brings, reached by the key of a task in it', async () => {
    @Module({ imports: [DispatcherModule.forFeature({ initQueues: [{ name: 'feature', wire: 'gofort-strict' }] })], providers: [InFeature] })
    class FeatureModule {}
    const { service } = await startApp({ imports: [FeatureModule], providers: [Tasks] });
    await expect(service.publish({ name: 'in-feature', args: LIST })).rejects.toBeInstanceOf(StrictWireError);
    await service.publish({ name: 'in-feature', args: [{ type: 'int', value: 1 }] });
    await service.publish({ name: 'takes', args: LIST });
  });

  it('is refused where it is none', async () => {
    await expect(startApp({ providers: [Tasks] }, { wire: 'gofort' as never })).rejects.toThrow(/wire must be one of "dispatcher", "gofort-strict"/);
    await expect(startApp({ providers: [Tasks] }, { initQueues: [{ name: 'q', wire: 'go' as never }] })).rejects.toThrow(/initQueues\[0\]\.wire must be one of/);
  });
});
