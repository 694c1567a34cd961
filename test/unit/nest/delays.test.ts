import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import type { Address, Message, PublishOptions } from '../../../lib/brokers/broker.js';
import { InvalidTaskError, Task } from '../../../lib/index.js';
import { LoopbackBroker } from '../../support/loopback-broker.js';
import { startApp } from '../../support/nest-app.js';

@Injectable()
class Tasks {
  @Task('add') add(a: number, b: number): number { return a + b; }
}

interface Sent { message: Message; address: Address; options: PublishOptions | undefined }

/** An app whose broker takes everything and writes down how it was asked. */
async function app(): Promise<{ service: Awaited<ReturnType<typeof startApp>>['service']; sent: Sent[] }> {
  const broker = new LoopbackBroker();
  const sent: Sent[] = [];
  broker.publish = (message: Message, address: Address, options?: PublishOptions) => {
    sent.push({ message, address, options });
    return Promise.resolve();
  };
  const { service } = await startApp({ providers: [Tasks] }, { workers: [], initQueues: [{ name: 'queue_1', bindingKeys: ['key'] }] }, { broker });
  return { service, sent };
}

function expectDelay({ options, message }: Sent, atMostMs: number, leastMs: number): void {
  expect(options?.delayMs).toBeLessThanOrEqual(atMostMs);
  expect(options?.delayMs).toBeGreaterThan(leastMs);
  expect(message.properties.headers).toMatchObject({ 'x-dispatcher-due': expect.any(Number) as number });
}

describe('a task for later', () => {
  it('is handed to the broker with what is left of its delay', async () => {
    const { service, sent } = await app();
    await service.publish({ name: 'add', delaySeconds: 100.5, routingKey: 'key' });
    await service.publish({ name: 'add', eta: new Date(Date.now() + 200_000) });
    await service.publish({ name: 'add', eta: '2001-01-01T00:00:00Z' });
    expect(sent.map(({ address }) => address)).toEqual([{ routingKey: 'key' }, { routingKey: 'key' }, { routingKey: 'key' }]);
    expectDelay(sent[0] as Sent, 100_500, 50_000);
    expectDelay(sent[1] as Sent, 200_000, 150_000);
    expect(sent[2]).toMatchObject({ options: undefined, message: { properties: { headers: undefined } } });
  });

  it('may be one of many', async () => {
    const { service, sent } = await app();
    const outcomes = await service.publishMany([{ name: 'add', delaySeconds: 100 }, { name: 'add' }, { name: 'add', delaySeconds: -1 }, { name: 'add', expiresInSeconds: 60 }]);
    expect(outcomes.map(({ accepted }) => accepted)).toEqual([true, true, false, true]);
    expect(outcomes[2]).toMatchObject({ error: expect.any(InvalidTaskError) as Error });
    expectDelay(sent[0] as Sent, 100_000, 50_000);
    expect(sent[1]?.options).toBeUndefined();
    expect(sent[2]).toMatchObject({ options: undefined, message: { properties: { headers: { 'x-dispatcher-expires': expect.any(Number) as number } } } });
  });

  it('can be sent by the typed client', async () => {
    const { service, sent } = await app();
    await service.client(Tasks, { delaySeconds: 100, expiresInSeconds: 200, headers: { tenant: 'a' } }).add(1, 2);
    await service.client(Tasks).add(3, 4);
    expectDelay(sent[0] as Sent, 100_000, 50_000);
    expect(sent[0]?.message.properties.headers).toMatchObject({ tenant: 'a', 'x-dispatcher-expires': expect.any(Number) as number });
    expect(sent.map(({ message }) => (JSON.parse(message.body.toString()) as { args: { value: number }[] }).args.map(({ value }) => value))).toEqual([[1, 2], [3, 4]]);
    expect(sent[1]?.options).toBeUndefined();
    await expect(service.client(Tasks, { delaySeconds: Number.NaN }).add(1, 2)).rejects.toThrow(InvalidTaskError);
  });
});
