import { Injectable, Module } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InvalidArgumentsError, InvalidTaskError, Task, type Parsed, type TaskUpgrades } from '../../../lib/index.js';
import { checkTaskSchedule } from '../../../lib/schedules/check-schedule.js';
import { TickSender } from '../../../lib/schedules/tick-sender.js';
import type { TaskInput } from '../../../lib/task/task.js';
import { startApp, startFailure, WORKER } from '../../support/nest-app.js';
import { Arrivals } from '../../support/wait.js';

const VERSION = 'x-dispatcher-version';
const Width = z.int();
const Size = z.object({ width: z.int() });
const ran = new Arrivals<unknown>();

@Injectable()
class First {
  @Task('resize', { schema: Width }) first(width: Parsed<typeof Width>): void { ran.add([1, width]); }
}

@Injectable()
class Second {
  @Task('resize', { version: 2, schema: Size }) second(size: Parsed<typeof Size>): void { ran.add([2, size]); }
}

describe('a task with versions', () => {
  it('is published as the newest that is known, and told from the first by its header alone', async () => {
    const { service, broker } = await startApp({ providers: [First, Second] });
    await service.publish('resize', { width: 1 });
    await service.publish({ name: 'resize', version: 1, args: [{ type: 'int', value: 2 }] });
    await service.publish('resize', { args: [3], version: 1 });
    await service.client(First).first(4);
    await service.client(Second).second({ width: 5 });
    await service.client(First, { delaySeconds: 0 }).first(6);
    const outcomes = await service.publishMany([{ name: 'resize', args: [{ type: 'json', value: { width: 7 } }] }, { name: 'resize', version: 1, args: [{ type: 'json', value: { width: 8 } }] }]);
    expect(outcomes.map(({ accepted }) => accepted)).toEqual([true, false]);
    expect(broker.published.map(({ message }) => message.properties.headers?.[VERSION])).toEqual([2, undefined, undefined, undefined, 2, undefined, 2]);
    await broker.settled.count(7);
    expect(ran.all.splice(0)).toEqual([[2, { width: 1 }], [1, 2], [1, 3], [1, 4], [2, { width: 5 }], [1, 6], [2, { width: 7 }]]);
  });

  it('has the arguments of each version checked by its own schema', async () => {
    const { service, broker } = await startApp({ providers: [First, Second] });
    await expect(service.publish('resize', 1)).rejects.toBeInstanceOf(InvalidArgumentsError);
    await expect(service.publish({ name: 'resize', version: 1, args: [{ type: 'json', value: { width: 1 } }] })).rejects.toBeInstanceOf(InvalidArgumentsError);
    for (const version of [0, 1.5, -1, '2', null, 1e9] as number[]) await expect(service.publish({ name: 'resize', version }), String(version)).rejects.toBeInstanceOf(InvalidTaskError);
    expect(broker.published).toEqual([]);
  });

  it.each([['a text', '2'], ['a fraction', 1.5], ['a negative', -1], ['zero', 0], ['a list', [2]], ['yes', true]])('whose header has %s is of no version', async (_what, value) => {
    const { service, broker } = await startApp({ providers: [First, Second] }, { workers: [{ ...WORKER, unknownTaskGraceSeconds: 0 }] });
    const dead = new Arrivals<unknown>();
    service.events({ type: 'task.dead-lettered' }).subscribe(({ reason, error }) => dead.add([reason, (error as Error).message]));
    await broker.publish({ body: Buffer.from('{"uuid":"u","name":"resize","args":[{"type":"int","value":1}]}'), properties: { headers: { [VERSION]: value } } }, { routingKey: 'key' });
    expect(await dead.count(1)).toEqual([['unsupported-version', expect.stringContaining('which is no version') as string]]);
  });

  it('gains a version with a module that is loaded while workers run', async () => {
    const { app, service, broker } = await startApp({ providers: [First] });
    await service.publish('resize', 1);
    await broker.settled.count(1);
    @Module({ providers: [Second] })
    class LateModule {}
    await app.get(LazyModuleLoader).load(() => LateModule);
    await service.publish({ name: 'resize', version: 2, args: [{ type: 'json', value: { width: 2 } }] });
    await service.publish({ name: 'resize', version: 1, args: [{ type: 'int', value: 3 }] });
    await broker.settled.count(3);
    expect(ran.all.splice(0)).toEqual([[1, 1], [2, { width: 2 }], [1, 3]]);
  });

  it('may be a function of createWorker, which upgrades', async () => {
    const { service, broker } = await startApp({}, { workers: [] });
    const worker = await service.createWorker(WORKER, { resize: { function: (size: object) => { ran.add(size); }, version: 3, upgrade: { 1: ([width]) => [{ width }], 2: (args) => args } } });
    await worker.start();
    await service.publish({ name: 'resize', version: 1, args: [{ type: 'int', value: 1 }] });
    await service.publish({ name: 'resize', version: 2, args: [{ type: 'json', value: { width: 2 } }] });
    await service.publish('resize', { width: 3 });
    await broker.settled.count(3);
    expect(ran.all.splice(0)).toEqual([{ width: 1 }, { width: 2 }, { width: 3 }]);
    expect(broker.published.at(-1)?.message.properties.headers?.[VERSION]).toBe(3);
    expect(service.contract().tasks).toMatchObject([{ name: 'resize', version: 3, upgradesFrom: [1, 2] }]);
  });

  it('is refused where two handlers have one version, or an upgrade is none', async () => {
    @Injectable()
    class Again { @Task('resize', { version: 2 }) again(): void { return; } }
    expect((await startFailure({ providers: [First, Second, Again] })).message).toMatch(/The task "resize", version 2, of worker "worker_1" has two handlers: Second\.second .*Again\.again/);
    expect(() => Task('x', { version: 2 })(First.prototype, 'first', Object.getOwnPropertyDescriptor(First.prototype, 'first') as PropertyDescriptor)).not.toThrow();
    expect(() => Task('x', { version: 2 })(First.prototype, 'first', Object.getOwnPropertyDescriptor(First.prototype, 'first') as PropertyDescriptor)).toThrow(/twice/);
    expect(() => Task('x', { upgrade: { 1: () => [] } })).toThrow(/from version 1 to 1, which is not older\. Say version: 2/);
    expect(() => Task('x', { version: 3, upgrade: { 4: () => [] } })).toThrow(/from version 4 to 3/);
    expect(() => Task('x', { version: 3, upgrade: { first: () => [] } as unknown as TaskUpgrades })).toThrow(/by the numbers of older versions/);
    expect(() => Task('x', { version: 3, upgrade: { 1: async () => Promise.resolve([]) } as unknown as TaskUpgrades })).toThrow(/not asynchronous/);
  });
});

describe('a schedule', () => {
  it('is of the version of its @Task, and of the first where it says none', async () => {
    const sent: TaskInput[] = [];
    const sender = new TickSender('x', { publish: (task) => { sent.push(task); return Promise.resolve({ uuid: 'u' }); }, publishTick: (task) => Promise.resolve(sent.push(task)) });
    for (const version of [undefined, 2]) {
      const schedule = checkTaskSchedule('resize', '@daily', undefined, version);
      await sender.sendTick(schedule, 0);
      await sender.sendNow(schedule);
    }
    expect(sent.map(({ version }) => version)).toEqual([1, 1, 2, 2]);
  });
});
