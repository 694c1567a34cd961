import { Injectable, Module } from '@nestjs/common';
import { type as ark } from 'arktype';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Arg, Args, DispatcherModule, InvalidArgumentsError, Task, TaskContext, TaskUuid, type DispatcherService, type Injected, type Parsed } from '../../../lib/index.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import type { TaskArgument } from '../../../lib/task/task.js';
import type { LoopbackBroker } from '../../support/loopback-broker.js';
import { startApp } from '../../support/nest-app.js';
import { Arrivals } from '../../support/wait.js';

const Order = z.object({ id: z.int().positive(), due: z.coerce.date(), tags: z.array(z.string()).default([]) });
const ran = new Arrivals<unknown[]>();

@Injectable()
class Orders {
  @Task('zod', { schema: Order }) zod(order: Parsed<typeof Order>, note?: string): void { ran.add(['zod', order, note]); }
  @Task('valibot', { schema: [v.pipe(v.string(), v.email()), v.optional(v.number(), 7)] }) valibot(...all: unknown[]): void { ran.add(['valibot', ...all]); }
  @Task('arktype', { schema: ark({ size: '0 < number <= 10' }) }) arktype(value: { size: number }): void { ran.add(['arktype', value]); }
  @Task('uuid', { schema: z.coerce.number(), taskUuidAsFirstArg: true }) withUuid(uuid: string, value: number): void { ran.add(['uuid', uuid.length, value]); }
  @Task('parameters') parameters(@Arg(1, { schema: z.string().trim() }) second: string, @Arg(0, { schema: z.coerce.date() }) first: Date): void { ran.add(['parameters', second, first]); }
  @Task('list') list(@Args(z.tuple([z.string(), z.number()])) all: [string, number], @TaskUuid() uuid: Injected<string>): void { ran.add(['list', all, uuid.length]); }
  @Task('slow', { schema: z.string().refine(async (text) => Promise.resolve(text !== 'taken'), 'is taken') }) slow(text: string): void { ran.add(['slow', text]); }
  @Task('free') free(value: unknown): void { ran.add(['free', value]); }
}

const json = (value: unknown): TaskArgument => ({ type: 'json', value });

/** As another process does, which knows nothing of the class. */
function sendUnchecked(broker: LoopbackBroker, name: string, args: TaskArgument[]): Promise<void> {
  const { body, properties } = gofortFormat.encode({ uuid: `${name}-1`, name, args });
  return broker.publish({ body, properties }, { routingKey: 'key' });
}

async function issuesAtPublish(service: DispatcherService, name: string, ...args: unknown[]): Promise<readonly string[]> {
  const error = await service.publish(name, ...args).then(() => undefined, (thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InvalidArgumentsError);
  return (error as InvalidArgumentsError).issues;
}

describe('arguments with a schema', () => {
  it.each<[string, unknown[], unknown[]]>([
    ['zod', [{ id: 1, due: '2026-11-26T00:00:00Z' }, 'a note'], [{ id: 1, due: new Date('2026-11-26T00:00:00Z'), tags: [] }, 'a note']],
    ['valibot', ['ada@example.org'], ['ada@example.org', 7]],
    ['arktype', [{ size: 3 }], [{ size: 3 }]],
    ['uuid', ['17'], [36, 17]],
    ['parameters', ['2026-11-26', ' x '], ['x', new Date('2026-11-26')]],
    ['list', ['a', 1], [['a', 1], 36]],
    ['slow', ['free'], ['free']],
  ])('give the handler what the schema makes of them: %s', async (name, args, expected) => {
    const { service, broker } = await startApp({ providers: [Orders] });
    await service.publish(name, ...args);
    await broker.settled.count(1);
    expect(ran.all.at(-1)).toEqual([name, ...expected]);
  });

  it('are sent as they were given', async () => {
    const { service, broker } = await startApp({ providers: [Orders] });
    await service.publish('zod', { id: 1, due: '2026-11-26T00:00:00Z' });
    expect(JSON.parse(broker.published[0]?.message.body.toString() ?? '')).toMatchObject({ args: [{ value: { id: 1, due: '2026-11-26T00:00:00Z' } }] });
  });

  it.each<[string, unknown[], string[]]>([
    ['zod', [{ id: 0, due: 'never' }], ['argument 0: id: Too small: expected number to be >0', 'argument 0: due: Invalid input: expected date, received Date']],
    ['zod', [], ['argument 0: Invalid input: expected object, received undefined']],
    ['valibot', ['nobody', 'x', 3], ['argument 0: Invalid email: Received "nobody"', 'argument 1: Invalid type: Expected number but received "x"', 'argument 2: it takes 2, and 3 were given']],
    ['arktype', [{ size: 11 }], ['argument 0: size: size must be at most 10 (was 11)']],
    ['uuid', ['x'], ['argument 0: Invalid input: expected number, received NaN']],
    ['parameters', ['2026-11-26', 5], ['argument 1: Invalid input: expected string, received number']],
    ['list', ['a', 'b'], ['arguments: 1: Invalid input: expected number, received string']],
    ['slow', ['taken'], ['argument 0: is taken']],
  ])('that do not fit are refused at publish, and nothing is sent: %s %j', async (name, args, issues) => {
    const { service, broker } = await startApp({ providers: [Orders] });
    expect(await issuesAtPublish(service, name, ...args)).toEqual(issues);
    expect(broker.published).toEqual([]);
  });

  it.each<[string, TaskArgument[], string[]]>([
    ['zod', [json({ id: 'x', due: 0 })], ['argument 0: id: Invalid input: expected number, received string']],
    ['valibot', [{ type: 'string', value: 'nobody' }], ['argument 0: Invalid email: Received "nobody"']],
    ['uuid', [{ type: 'string', value: 'x' }], ['argument 0: Invalid input: expected number, received NaN']],
    ['parameters', [{ type: 'bool', value: true }, { type: 'int', value: 1 }], ['argument 1: Invalid input: expected string, received number']],
    ['list', [], ['arguments: Too small: expected array to have >=2 items']],
    ['slow', [{ type: 'string', value: 'taken' }], ['argument 0: is taken']],
  ])('that come from elsewhere and do not fit are a dead letter at once, with all issues: %s', async (name, args, issues) => {
    const { service, broker } = await startApp({ providers: [Orders] });
    const before = ran.all.length;
    await sendUnchecked(broker, name, args);
    await broker.settled.count(1);
    const [letter] = (await service.deadLetters.list('queue_1')).letters;
    expect(letter).toMatchObject({ name, reason: 'invalid-arguments', attempt: 1 });
    expect(letter?.issues?.map((issue) => issue.replace(/^parameter \d+/, 'arguments'))).toEqual(issues);
    expect(ran.all).toHaveLength(before);
  });

  it('are checked one by one in a list', async () => {
    const { service, broker } = await startApp({ providers: [Orders] });
    const outcomes = await service.publishMany(['free', 'taken', 'open'].map((text) => ({ name: 'slow', args: [{ type: 'string', value: text }] })));
    expect(outcomes.map((outcome) => (outcome.accepted ? 'sent' : outcome.error.code))).toEqual(['sent', 'ERR_DISPATCHER_INVALID_ARGUMENTS', 'sent']);
    expect(broker.published).toHaveLength(2);
  });

  it('are checked by a publisher that names the class in a feature, and by the typed client', async () => {
    @Module({ imports: [DispatcherModule.forFeature({ tasks: [Orders] })] })
    class Contract {}
    const { service, broker } = await startApp({ imports: [Contract] }, { role: 'publisher' });
    expect(await issuesAtPublish(service, 'arktype', { size: 0 })).toHaveLength(1);
    const orders = service.client(Orders);
    await expect(orders.zod({ id: -1, due: '2026-11-26' })).rejects.toThrow(/id: Too small/);
    // @ts-expect-error an id is a number
    await expect(orders.zod({ id: 'x', due: '2026-11-26' })).rejects.toThrow(/id: Invalid input/);
    expect(broker.published).toEqual([]);
    await orders.zod({ id: 1, due: '2026-11-26' });
    expect(broker.published).toHaveLength(1);
  });

  it('have it in plain functions of createWorker too', async () => {
    const { service, broker } = await startApp({ providers: [Orders] });
    const worker = await service.createWorker({ name: 'w2', queue: 'q2', bindingKeys: ['k2'] }, { plain: { function: (value: number) => ran.add(['plain', value]), schema: z.coerce.number() } });
    await worker.start();
    await expect(service.publish({ name: 'plain', args: [{ type: 'string', value: 'x' }], routingKey: 'k2' })).rejects.toThrow(InvalidArgumentsError);
    await service.publish({ name: 'plain', args: [{ type: 'string', value: '5' }], routingKey: 'k2' });
    await broker.settled.count(1);
    expect(ran.all.at(-1)).toEqual(['plain', 5]);
  });

  it('whose schema fails by itself are tried again as any failure', async () => {
    const { service, broker } = await startApp({ providers: [Orders, { provide: 'x', useValue: 1 }] });
    const broken = { '~standard': { version: 1 as const, vendor: 'test', validate: () => { throw new Error('the database is away'); } } };
    const worker = await service.createWorker({ name: 'w2', queue: 'q2', bindingKeys: ['k2'] }, { broken: { function: () => undefined, schema: broken } });
    await worker.start();
    const { body, properties } = gofortFormat.encode({ uuid: 'b', name: 'broken', args: [] });
    await broker.publish({ body, properties }, { routingKey: 'k2' });
    await broker.settled.count(1);
    expect((await service.deadLetters.list('q2')).letters).toMatchObject([{ reason: 'failed', error: expect.stringContaining('the database is away') }]);
  });

  it('hand the schema to pipes, as Nest 12 does', async () => {
    const seen: unknown[] = [];
    const schema = z.string();
    class Looks { transform(value: unknown, metadata: object): unknown { seen.push((metadata as { schema?: unknown }).schema); return value; } }
    class Tasks { @Task('piped') run(@Arg(0, { schema, pipes: [new Looks()] }) text: string, @TaskContext() _context: TaskContext): void { ran.add(['piped', text]); } }
    const { service, broker } = await startApp({ providers: [Tasks] });
    await service.publish('piped', 'x');
    await broker.settled.count(1);
    expect(ran.all.at(-1)).toEqual(['piped', 'x']);
    expect(seen).toEqual([schema]);
  });

  it.each<[string, () => unknown, RegExp]>([
    ['@Task', () => Task('x', { schema: { parse: () => 1 } as never }), /^schema of @Task\('x'\) must be a Standard Schema, such as z.object/],
    ['a list', () => Task('x', { schema: [z.string(), 5] as never }), /or a list of them, one for each argument; found the number 5/],
    ['@Arg', () => Arg(0, { schema: 5 as never }), /^The schema of @Arg must be a Standard Schema/],
  ])('need a schema: %s', (_, make, text) => {
    expect(make).toThrow(text);
  });

  it('may be anything where there is none', async () => {
    const { service, broker } = await startApp({ providers: [Orders] });
    await service.publish('free', 'anything');
    await broker.settled.count(1);
    expect(ran.all.at(-1)).toEqual(['free', 'anything']);
  });
});
