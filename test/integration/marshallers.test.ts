import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Task, TaskContext, type ArgumentCodec, type DispatcherEvent } from '../../lib/index.js';
import { cbor } from '../../lib/marshallers/cbor.js';
import { messagePack } from '../../lib/marshallers/messagepack.js';
import { everyBroker, oneWorker, startOn } from '../support/nest-on-broker.js';
import { Arrivals } from '../support/wait.js';

class Money {
  constructor(readonly cents: number) {}
}
const money: ArgumentCodec<Money> = { name: 'money', fits: (value): value is Money => value instanceof Money, encode: ({ cents }) => cents, decode: (cents) => new Money(cents as number) };

@Injectable()
class Tasks {
  readonly ran = new Arrivals<{ values: unknown[]; attempt: number }>();

  @Task('store', { retry: { attempts: 2, delaySeconds: 0.2, jitter: 0 } })
  store(at: Date | string, bytes: unknown, price: unknown, fails: number, @TaskContext() { attempt }: TaskContext): void {
    if (attempt <= fails) throw new Error('It fails.');
    this.ran.add({ values: [at, bytes, price], attempt });
  }
}

const AT = new Date('2026-02-03T04:05:06.789Z');
const BYTES = Buffer.from([0, 1, 254, 255]);
const PRICE = new Money(1_250);

describe.each(everyBroker('marshallers'))('MessagePack and CBOR on %s', (_title, url) => {
  it('share a queue with JSON, and bring dates, bytes and kinds of one\'s own through retries, delays, dead letters and replays', async () => {
    const config = { ...oneWorker(url(), 'marshallers'), formats: [messagePack({ codecs: [money as ArgumentCodec] }), cbor({ codecs: [money as ArgumentCodec] })], format: 'messagepack' };
    const { app, service } = await startOn(config, { providers: [Tasks] });
    const { ran } = app.get(Tasks);
    const dead = new Arrivals<DispatcherEvent>();
    service.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
    const [{ queue }] = config.workers;
    const rich = { values: [AT, BYTES, PRICE], attempt: 1 };
    await service.publish('store', AT, BYTES, PRICE, 0);
    expect((await ran.count(1)).at(-1)).toEqual(rich);
    await service.publish('store', { args: [AT, BYTES, PRICE, 1], format: 'cbor' });
    expect((await ran.count(2)).at(-1)).toEqual({ ...rich, attempt: 2 });
    await service.publish('store', { args: [AT, BYTES, PRICE, 0], format: 'cbor', delaySeconds: 0.3, compress: true });
    expect((await ran.count(3)).at(-1)).toEqual(rich);
    await service.publish('store', { args: [AT, BYTES, PRICE, 0], format: 'gofort' });
    expect((await ran.count(4)).at(-1)).toEqual({ values: [AT.toISOString(), BYTES.toJSON(), { cents: 1_250 }], attempt: 1 });
    const { uuid } = await service.publish('store', AT, BYTES, PRICE, 2);
    await dead.count(1);
    expect(await service.deadLetters.get(queue, uuid)).toMatchObject({ name: 'store', reason: 'failed', args: [{ value: AT }, { value: BYTES }, { value: PRICE }, { value: 2 }] });
    expect(await service.deadLetters.replay(queue, uuid, { args: [{ type: 'json', value: AT }, { type: 'json', value: BYTES }, { type: 'json', value: PRICE }, { type: 'int', value: 0 }] })).toBe(true);
    expect((await ran.count(5)).at(-1)).toEqual(rich);
  });

  it('are dead letters as they came where a worker does not have them', async () => {
    const config = oneWorker(url(), 'marshallers');
    const { service } = await startOn(config, { providers: [Tasks] });
    const dead = new Arrivals<DispatcherEvent>();
    service.events({ type: 'task.dead-lettered' }).subscribe(dead.add);
    const publisher = await startOn({ ...config, role: 'publisher', formats: [cbor()], format: 'cbor' });
    const { uuid } = await publisher.service.publish('store', AT, BYTES, 1, 0);
    expect(await dead.count(1)).toMatchObject([{ reason: 'invalid-body', task: { uuid } }]);
    expect(await publisher.service.deadLetters.get(config.workers[0].queue, uuid)).toMatchObject({ name: 'store', args: [{ value: AT }, { value: BYTES }, { value: 1 }, { value: 0 }] });
  });
});
