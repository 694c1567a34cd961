import { describe, expect, it } from 'vitest';
import type { Broker, BrowsedMessage, BrowseVisit } from '../../../lib/brokers/broker.js';
import { DeadLetterQueues } from '../../../lib/dead-letters/dead-letter-queues.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { Header } from '../../../lib/task/headers.js';

/** A queue of dead letters in memory, and what was published. */
class Queue {
  published: string[] = [];
  constructor(public messages: BrowsedMessage[]) {}

  readonly broker = {
    depth: () => Promise.resolve(this.messages.length),
    publish: ({ properties }: BrowsedMessage) => { this.published.push(properties.messageId as string); return Promise.resolve(); },
    browse: async (_queue: string, visit: BrowseVisit) => {
      const kept: BrowsedMessage[] = [];
      let removed = 0;
      let stopped = false;
      for (const [position, message] of this.messages.entries()) {
        const answer: Awaited<ReturnType<BrowseVisit>> = stopped ? 'keep' : await visit(message, position);
        stopped ||= answer === 'stop';
        if (answer === 'remove') removed++;
        else kept.push(message);
      }
      const visited = this.messages.length;
      this.messages = kept;
      return { visited, removed, end: 'all' as const };
    },
  } as unknown as Broker;

  readonly letters = new DeadLetterQueues({ broker: this.broker, exchange: 'x', format: gofortFormat, maxTaskBytes: 1_000, now: () => 0, ready: () => Promise.resolve(), discarded: () => undefined });
  get ids(): (string | undefined)[] { return this.messages.map(({ properties }) => properties.messageId); }
}

function letter(uuid: string, replays = 0): BrowsedMessage {
  const { body, properties } = gofortFormat.encode({ uuid, name: 'a', args: [] });
  const headers = { [Header.deadReason]: 'failed', [Header.deadAt]: '2026-01-01T00:00:00.000Z', ...(replays > 0 ? { [Header.replays]: replays } : {}) };
  return { body, properties: { ...properties, headers }, exchange: 'e', routingKey: 'k' };
}

const garbage = (): BrowsedMessage => ({ body: Buffer.from('no task'), properties: {}, exchange: 'e', routingKey: 'k' });

describe('copies of a dead letter', () => {
  it('are listed as one, on one page and on several', async () => {
    const { letters } = new Queue([letter('a'), letter('b'), letter('a'), letter('c'), letter('b')]);
    expect((await letters.list('q')).letters.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    const first = await letters.list('q', { limit: 2 });
    expect(first.letters.map(({ id }) => id)).toEqual(['a', 'b']);
    expect((await letters.list('q', { after: first.next })).letters.map(({ id }) => id)).toEqual(['c']);
  });

  it('are replayed as one, and gone with it', async () => {
    const queue = new Queue([letter('a'), letter('b'), letter('a')]);
    expect(await queue.letters.replay('q', 'a')).toBe(true);
    expect(queue.published).toEqual(['a']);
    expect(queue.ids).toEqual(['b']);
    expect(await queue.letters.replay('q', 'a')).toBe(false);
  });

  it('count as one of many that are replayed or discarded', async () => {
    const queue = new Queue([letter('a'), letter('a'), letter('b'), letter('a'), letter('c')]);
    expect(await queue.letters.replayAll('q', { limit: 2 })).toMatchObject({ replayed: 2 });
    expect(queue.published).toEqual(['a', 'b']);
    expect(queue.ids).toEqual(['c']);
    const others = new Queue([letter('a'), letter('b'), letter('a')]);
    expect(await others.letters.discard('q', 'a')).toBe(true);
    expect(others.ids).toEqual(['b']);
  });

  it('are not those that were replayed and have died again, nor what only looks alike', async () => {
    const { letters } = new Queue([letter('a'), letter('a', 1), garbage(), garbage()]);
    expect((await letters.list('q')).letters).toHaveLength(4);
    expect((await letters.discardAll('q')).discarded).toBe(4);
  });
});
