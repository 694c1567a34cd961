import type { ConsumeMessage } from 'amqplib';
import { describe, expect, it } from 'vitest';
import type { BrowseChannel } from '../../../../../lib/brokers/amqp/browsing/browse-channel.js';
import { Rewriting } from '../../../../../lib/brokers/amqp/browsing/rewriting.js';
import type { Message } from '../../../../../lib/brokers/broker.js';

const original = (returns: number): ConsumeMessage => ({ properties: { headers: { 'x-delivery-count': returns } } } as unknown as ConsumeMessage);
const message = (text: string): Message => ({ body: Buffer.from(text), properties: {} });

function rewriting(publish: (copy: Message) => Promise<void>): { removed: ConsumeMessage[]; rewriting: Rewriting } {
  const removed: ConsumeMessage[] = [];
  const channel = { remove: async (one: ConsumeMessage) => void removed.push(one) } as unknown as BrowseChannel;
  return { removed, rewriting: new Rewriting(channel, publish) };
}

describe('Rewriting', () => {
  it('begins with what came back three times, and takes all that comes behind it', () => {
    const { rewriting: one } = rewriting(async () => undefined);
    expect([0, 2, 3, 0].map((returns) => one.takes(original(returns)))).toEqual([false, false, true, true]);
    expect(one.takes({ properties: {} } as ConsumeMessage)).toBe(true);
  });

  it('never begins with what no quorum queue has counted', () => {
    const { rewriting: one } = rewriting(async () => undefined);
    expect(one.takes({ properties: {} } as ConsumeMessage)).toBe(false);
    expect(one.hasBegun).toBe(false);
  });

  it('removes what was confirmed, and only that', async () => {
    const { removed, rewriting: one } = rewriting(async ({ body }) => {
      if (body.toString() === 'refused') throw new Error('refused');
    });
    const [first, second] = [original(3), original(3)];
    await one.add(first, message('refused'));
    await one.add(second, message('taken'));
    await one.finish();
    expect(removed).toEqual([second]);
  });

  it('has a copy of its own of the bytes, which may be written over', async () => {
    const bodies: Buffer[] = [];
    const { rewriting: one } = rewriting(async ({ body }) => {
      await Promise.resolve();
      bodies.push(Buffer.from(body));
    });
    const source = message('before');
    const adding = one.add(original(3), source);
    source.body.fill('x');
    await adding;
    await one.finish();
    expect(bodies.map(String)).toEqual(['before']);
  });
});
