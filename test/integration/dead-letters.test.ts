import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import {
  InvalidTaskError, Task, TaskContext, type DeadLetter, type DispatcherEvent, type QueueType,
} from '../../lib/index.js';
import { embeddedFolder, oneWorker, ownQueue, redisBroker, startOn } from '../support/nest-on-broker.js';
import { sharedRabbitMqUrl, withChannel } from '../support/shared-rabbitmq.js';
import { Arrivals, eventually } from '../support/wait.js';

@Injectable()
class Tasks {
  mended = false;
  readonly ran = new Arrivals<{ uuid: string; attempt: number; args: unknown[] }>();

  @Task('breaks', { retry: { attempts: 2, delaySeconds: 0, jitter: 0 } })
  breaks(...args: unknown[]): void { if (!this.mended) throw new Error(`broke at ${String(args[0])}`); }

  @Task('wants_five')
  wantsFive(@TaskContext() { uuid, attempt }: TaskContext): void { this.ran.add({ uuid, attempt, args: [] }); }
}

const brokers: [string, QueueType, () => string][] = [
  ['amqp', 'classic', () => sharedRabbitMqUrl()],
  ['amqp', 'quorum', () => sharedRabbitMqUrl()],
  ['embedded in memory', 'classic', () => 'embedded:'],
  ['embedded in a folder', 'classic', () => embeddedFolder('dead-letters')],
  ...redisBroker().map(([title, url]): [string, QueueType, () => string] => [title, 'classic', url]),
];

async function start(broker: string, type: QueueType) {
  const config = oneWorker(broker, 'dead');
  const [worker] = config.workers;
  const { queue } = worker;
  const { app, service } = await startOn({ ...config, workers: [{ ...worker, type }] }, { providers: [Tasks] });
  const deaths = new Arrivals<DispatcherEvent>();
  service.events().subscribe((event) => { if (event.type === 'task.dead-lettered') deaths.add(event); });
  return { service, queue, tasks: app.get(Tasks), deaths, letters: service.deadLetters };
}

const uuids = (letters: readonly DeadLetter[]): string[] => letters.map(({ uuid }) => uuid ?? '');

describe.concurrent.each(brokers)('dead letters on %s, %s queues', (_name, type, url) => {
  it('are listed with all that is known of them, page by page, and looking changes nothing', async () => {
    const { service, queue, deaths, letters } = await start(url(), type);
    const published: string[] = [];
    for (let i = 0; i < 5; i++) {
      published.push((await service.publish({ name: 'breaks', args: [{ type: 'int', value: i }], headers: { tenant: `t${i}` } })).uuid);
      await deaths.count(i + 1);
    }
    const first = await letters.list(queue, { limit: 2 });
    const second = await letters.list(queue, { limit: 2, after: first.next });
    const third = await letters.list(queue, { limit: 2, after: second.next });
    expect([first, second, third].flatMap((page) => uuids(page.letters))).toEqual(published);
    expect([first.total, third.next, third.truncated]).toEqual([5, undefined, false]);
    expect(first.letters[1]).toMatchObject({
      id: published[1], name: 'breaks', args: [{ type: 'int', value: 1 }], headers: { tenant: 't1' }, reason: 'failed', error: 'Error: broke at 1',
      stack: expect.stringContaining('breaks'), attempt: 2, replays: 0, queue, worker: 'w', routingKey: 'key', position: 1,
    });
    expect(first.letters[1]?.history.map(({ attempt }) => attempt)).toEqual([1, 2]);
    expect(Math.abs((first.letters[1]?.at?.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(uuids((await letters.list(queue, { filter: { error: 'at 3' } })).letters)).toEqual([published[3]]);
    expect((await letters.get(queue, published[4] as string))?.position).toBe(4);
    expect(await letters.get(queue, 'nobody')).toBeUndefined();
    expect(uuids((await letters.list(queue)).letters)).toEqual(published);
  });

  it('are replayed one, some or all, and each runs anew under its uuid', async () => {
    const { service, queue, tasks, deaths, letters } = await start(url(), type);
    const published: string[] = [];
    for (let i = 0; i < 4; i++) {
      published.push((await service.publish('breaks', i)).uuid);
      await deaths.count(i + 1);
    }
    // It dies again, and is not replayed for ever.
    expect(await letters.replayAll(queue, { filter: (letter) => letter.args?.[0]?.value === 0 })).toEqual({ replayed: 1, failed: [], truncated: false });
    await deaths.count(5);
    // Those that were looked at are on their way back to their places: a quorum queue takes its time.
    const again = await eventually(() => letters.get(queue, published[0] as string), (letter) => letter?.position === 3, 'the replayed one to be the last');
    expect(again).toMatchObject({ replays: 1, attempt: 2 });
    expect(again?.history.map(({ attempt }) => attempt)).toEqual([1, 2, 1, 2]);
    tasks.mended = true;
    expect(await letters.replay(queue, published[2] as string)).toBe(true);
    expect(await letters.replay(queue, published[2] as string)).toBe(false);
    expect(await letters.replayAll(queue, { limit: 1 })).toMatchObject({ replayed: 1 });
    expect(uuids((await letters.list(queue)).letters)).toEqual([published[3], published[0]]);
    expect(await letters.replayAll(queue)).toMatchObject({ replayed: 2 });
    expect((await letters.list(queue)).total).toBe(0);
  });

  it('can get other arguments, checked as those of a publish', async () => {
    const { service, queue, tasks, deaths, letters } = await start(url(), type);
    const { uuid } = await service.publish('breaks', 1);
    await deaths.count(1);
    await expect(letters.replay(queue, uuid, { args: [{ type: 'int8', value: 1_000 }] })).rejects.toBeInstanceOf(InvalidTaskError);
    expect((await letters.list(queue)).total).toBe(1);
    expect(await letters.replay(queue, uuid, { args: [{ type: 'string', value: 'other' }] })).toBe(true);
    await deaths.count(2);
    expect(await letters.get(queue, uuid)).toMatchObject({ args: [{ type: 'string', value: 'other' }], error: 'Error: broke at other', replays: 1 });
    tasks.mended = true;
    await expect(letters.replay(queue, uuid, { to: { routingKey: 'nobody' } })).rejects.toMatchObject({ code: 'ERR_DISPATCHER_UNROUTABLE' });
    expect(await letters.replay(queue, uuid, { to: { routingKey: 'key' } })).toBe(true);
    expect((await letters.list(queue)).total).toBe(0);
  });

  it('are discarded one by one or by filter, and trimmed by count and age', async () => {
    const { service, queue, deaths, letters } = await start(url(), type);
    const published: string[] = [];
    for (let i = 0; i < 6; i++) {
      published.push((await service.publish('breaks', i)).uuid);
      await deaths.count(i + 1);
    }
    expect(await letters.discard(queue, published[1] as string)).toBe(true);
    expect(await letters.discard(queue, published[1] as string)).toBe(false);
    expect(await letters.discardAll(queue, { filter: { error: 'at 4', name: 'breaks', reason: 'failed' } })).toBe(1);
    expect(await letters.trim(queue, { maxCount: 3, maxAgeSeconds: 3_600 })).toBe(1);
    expect(uuids((await letters.list(queue)).letters)).toEqual([published[2], published[3], published[5]]);
    await expect(letters.trim(queue, {})).rejects.toBeInstanceOf(InvalidTaskError);
    expect(await letters.trim(queue, { maxAgeSeconds: 0 })).toBe(3);
    await expect(letters.list('no-such-queue')).rejects.toMatchObject({ code: 'ERR_DISPATCHER_NOT_FOUND' });
  });
});

it('that are no tasks can be listed, replayed as they are, and discarded', async () => {
  const url = sharedRabbitMqUrl();
  const { queue, deaths, letters } = await start(url, 'classic');
  await withChannel(url, async (channel) => {
    channel.sendToQueue(queue, Buffer.from('no json'), { persistent: true });
    channel.sendToQueue(queue, Buffer.from('{"uuid":"u-1","name":"wants_five","args":[{"type":"int8","value":500}]}'), { persistent: true });
    await channel.waitForConfirms();
  });
  await deaths.count(2);
  const [first, second] = (await letters.list(queue)).letters as unknown as [DeadLetter, DeadLetter];
  expect(first).toMatchObject({ reason: 'invalid-body', problem: expect.stringContaining('JSON'), body: Buffer.from('no json') });
  expect(second).toMatchObject({ id: 'u-1', name: 'wants_five', reason: 'invalid-arguments' });
  expect(await letters.replay(queue, first.id)).toBe(true);
  await deaths.count(3);
  const again = (await letters.list(queue)).letters[1] as DeadLetter;
  expect(again).toMatchObject({ body: Buffer.from('no json'), replays: 1 });
  expect(await letters.discard(queue, again.id)).toBe(true);
  expect(await letters.replay(queue, 'u-1', { args: [] })).toBe(true);
  expect((await letters.list(queue)).total).toBe(0);
});

describe.concurrent('a worker of dead letters on RabbitMQ', () => {
  @Injectable()
  class Menders {
    readonly mended = new Arrivals<string>();
    @Task('breaks') breaks(@TaskContext() { uuid }: TaskContext): void { this.mended.add(uuid); }
  }

  it.each<[QueueType, QueueType]>([['quorum', 'classic'], ['classic', 'quorum'], ['quorum', 'quorum']])('of the type %s starts before those that make them, %s, and gets what they bury', async (ofWorker, ofMain) => {
    const { exchange, queue } = ownQueue(sharedRabbitMqUrl(), 'worked-dead', ['dead', 'dead.dead']);
    const config = { broker: sharedRabbitMqUrl(), exchange, defaultRoutingKey: 'key', shutdownTimeoutSeconds: 10 };
    const { app } = await startOn({ ...config, workers: [{ name: 'mender', queue: `${queue}.dead`, type: ofWorker }] }, { providers: [Menders] });
    const { service } = await startOn({ ...config, workers: [{ name: 'w', queue, bindingKeys: ['key'], type: ofMain }] }, { providers: [Tasks] });
    const { uuid } = await service.publish('breaks', 1);
    expect(await app.get(Menders).mended.count(1)).toEqual([uuid]);
    // Once more, the other way round: what there is now was made by others.
    const again = await startOn({ ...config, workers: [{ name: 'mender', queue: `${queue}.dead`, type: ofMain }] }, { providers: [Menders] });
    expect(again.service.health().status).toBe('up');
  });
});
