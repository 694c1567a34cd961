import { beforeEach, describe, expect, it } from 'vitest';
import { MemoryStore } from '../../../../lib/brokers/embedded/memory-store.js';
import type { TakenMessage } from '../../../../lib/brokers/store/queue-store.js';
import { PublishBufferFullError, UnroutableTaskError } from '../../../../lib/errors.js';
import type { TaskHeaders } from '../../../../lib/task/task.js';
import { ManualClock } from './manual-clock.js';

const LIMIT = 10_000;

describe('MemoryStore', () => {
  let clock: ManualClock;
  let store: MemoryStore;
  let ready: string[];

  beforeEach(async () => {
    clock = new ManualClock();
    store = new MemoryStore(clock, LIMIT);
    ready = [];
    await store.open({ ready: (queue) => ready.push(queue), trouble: () => undefined, warning: () => undefined, tellerOf: () => 'nobody' });
    await store.declare('x', { queues: [{ name: 'a', bindingKeys: ['k'] }, { name: 'b', bindingKeys: ['k'] }] });
  });

  function publish(body: string, address: { queue: string } | { routingKey: string } = { queue: 'a' }, delayMs = 0, headers?: TaskHeaders): Promise<void> {
    return store.publish('x', { body: Buffer.from(body), properties: headers === undefined ? {} : { headers } }, address, delayMs);
  }

  function take(queue: string, limit = 100): TakenMessage[] {
    const found: TakenMessage[] = [];
    store.take(queue, limit, (taken) => found.push(...taken));
    return found;
  }

  const bodies = (taken: readonly TakenMessage[]): string[] => taken.map(({ body }) => body.toString());

  it('keeps a copy for every bound queue, and says which queues got one', async () => {
    await publish('m', { routingKey: 'k' });
    expect(ready).toEqual(['a', 'b']);
    const [a] = take('a') as [TakenMessage];
    expect(store.settle(a, 'ack')).toBe(true);
    expect(bodies(take('b'))).toEqual(['m']);
  });

  it('rejects, and does not throw, what no queue takes', async () => {
    await expect(publish('m', { routingKey: 'nobody' })).rejects.toThrow(UnroutableTaskError);
  });

  it('puts back to the old place, counted or as if never taken', async () => {
    for (const body of ['1', '2', '3', '4']) await publish(body);
    const [first, second, third] = take('a', 3) as [TakenMessage, TakenMessage, TakenMessage];
    store.settle(third, 'requeue');
    store.settle(first, 'untake');
    expect(await store.depth('a')).toBe(3);
    const again = take('a');
    expect(again.map(({ body, redelivered }) => [body.toString(), redelivered])).toEqual([['1', false], ['3', true], ['4', false]]);
    expect(store.settle(second, 'ack')).toBe(true);
    expect(store.settle(second, 'requeue')).toBe(false);
  });

  it('says whether there is more', async () => {
    await publish('1');
    await publish('2');
    const more: boolean[] = [];
    for (let i = 0; i < 3; i++) store.take('a', 1, (_, left) => more.push(left));
    expect(more).toEqual([true, false, false]);
  });

  it('holds what is delayed until its time, does not count it, and gives it by due time', async () => {
    await publish('late', { queue: 'a' }, 2_000);
    await publish('early', { queue: 'a' }, 1_000);
    expect([await store.depth('a'), clock.pending]).toEqual([0, 1]);
    clock.pass(1_000);
    expect(await store.depth('a')).toBe(0);
    clock.pass(1);
    expect(bodies(take('a'))).toEqual(['early']);
    clock.pass(1_000);
    expect(bodies(take('a'))).toEqual(['late']);
    expect(clock.pending).toBe(0);
  });

  it('is bounded: waiting, delayed and taken ones count until they are gone', async () => {
    const body = 'x'.repeat(3_000);
    await publish(body);
    await publish(body, { queue: 'a' }, 1_000);
    await publish(body);
    const taken = take('a');
    await expect(publish(body)).rejects.toThrow(PublishBufferFullError);
    await expect(publish(body)).rejects.toThrow(/maxWaitingBytes.* 10000.*embedded:\.\/folder/);
    store.settle(taken[0] as TakenMessage, 'ack');
    await publish(body);
  });

  it('lets neither the sender nor a consumer reach into what waits', async () => {
    const headers: TaskHeaders = JSON.parse('{"a":{"b":[1]},"__proto__":{"c":1}}') as TaskHeaders;
    const sent = structuredClone(headers);
    await publish('m', { queue: 'a' }, 0, headers);
    (headers['a'] as { b: number[] }).b.push(2);
    const [first] = take('a') as [TakenMessage];
    ((first.properties.headers as TaskHeaders)['a'] as { b: number[] }).b.push(3);
    store.settle(first, 'requeue');
    const [second] = take('a') as [TakenMessage];
    expect(JSON.stringify(second.properties.headers)).toBe(JSON.stringify(sent));
    expect(Object.keys(second.properties.headers as TaskHeaders)).toEqual(['a', '__proto__']);
  });

  it('lets go of its timer when closed', async () => {
    await publish('m', { queue: 'a' }, 1_000);
    await store.close();
    expect(clock.pending).toBe(0);
  });
});
