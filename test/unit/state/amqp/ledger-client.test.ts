import type { ChannelModel, ConsumeMessage, Options } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { ResultBackendError } from '../../../../lib/errors.js';
import { LedgerClient } from '../../../../lib/state/amqp/ledger-client.js';
import type { Reply } from '../../../../lib/state/amqp/ledger-reply.js';
import { readRequest, replyMessages } from '../../../../lib/state/amqp/ledger-request.js';
import { itemAt } from '../../../support/present.js';

const QUEUES = { records: 'ledger', requests: 'requests', returns: 'returns', type: 'classic' } as const;

interface Sent { readonly body: Buffer; readonly properties: Options.Publish }

/** A channel that keeps what is asked, until the test answers. */
class Channel {
  readonly sent: Sent[] = [];
  private answer: ((message: ConsumeMessage) => void) | undefined;

  on(): this { return this; }

  async consume(_queue: string, callback: (message: ConsumeMessage) => void): Promise<void> {
    this.answer = callback;
  }

  publish(_exchange: string, _routingKey: string, body: Buffer, properties: Options.Publish): boolean {
    this.sent.push({ body, properties });
    return true;
  }

  /** What was asked by now, one list for each message. */
  get asked(): string[][] {
    return this.sent.map((one) => operationsOf(one).map(({ operation }) => operation.kind));
  }

  replyTo(index: number, replies: readonly Reply[], keeper = 'keeper'): void {
    const first = itemAt(this.sent, index).properties.correlationId as string;
    for (const { type, correlationId, body } of replyMessages(keeper, first, replies)) this.answer?.({ content: body, properties: { type, correlationId } } as ConsumeMessage);
  }
}

function operationsOf({ body, properties }: Sent): ReturnType<typeof readRequest>['operations'] {
  return readRequest({ content: body, properties, fields: { deliveryTag: 1, redelivered: false } } as unknown as ConsumeMessage).operations;
}

async function openClient(): Promise<{ channel: Channel; client: LedgerClient; lost: Error[] }> {
  const channel = new Channel();
  const lost: Error[] = [];
  const model = { connection: {}, createChannel: () => Promise.resolve(channel) } as unknown as ChannelModel;
  const client = await LedgerClient.open(model, { queues: QUEUES, display: 'amqp://host', answerLimitMs: 10_000 },
    { lost: (error) => lost.push(error), told: () => undefined, answeredBy: () => undefined, warning: () => undefined });
  return { channel, client, lost };
}

const value = Buffer.from('v');
const yes: Reply = { kind: 'answer', yes: true };
const no: Reply = { kind: 'answer', yes: false };
const notUnderstood: Reply = { kind: 'refused', reason: 'not understood', text: 'several' };
const turn = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

describe('LedgerClient', () => {
  it('asks what belongs to one turn in one message, and gives each its answer', async () => {
    const { channel, client } = await openClient();
    const answers = ['a', 'b', 'c'].map((key) => client.request({ kind: 'setIfAbsent', key, value }));
    expect(channel.sent).toEqual([]);
    await turn();
    expect(channel.asked).toEqual([['setIfAbsent', 'setIfAbsent', 'setIfAbsent']]);
    channel.replyTo(0, [yes, no, yes]);
    expect(await Promise.all(answers)).toEqual([yes, no, yes]);
  });

  it('asks one thing as ever', async () => {
    const { channel, client } = await openClient();
    const answer = client.request({ kind: 'delete', key: 'a' });
    await turn();
    expect(itemAt(channel.sent, 0).properties.type).toBe('request');
    channel.replyTo(0, [yes]);
    expect(await answer).toEqual(yes);
  });

  it('never puts two changes of one thing into one message, and keeps the order', async () => {
    const { channel, client } = await openClient();
    for (const operation of [{ kind: 'set', key: 'a', value }, { kind: 'set', key: 'b', value }, { kind: 'delete', key: 'a' }, { kind: 'get', keys: ['a'] }] as const) void client.request(operation);
    client.tell({ kind: 'unsubscribe', keys: ['a'] });
    await turn();
    expect(channel.asked).toEqual([['set', 'set'], ['delete', 'get'], ['unsubscribe']]);
  });

  it('asks a keeper of an older version one by one, until another one answers', async () => {
    const { channel, client } = await openClient();
    const both = Promise.all(['a', 'b'].map((key) => client.request({ kind: 'delete', key })));
    await turn();
    channel.replyTo(0, [notUnderstood], 'old');
    await turn();
    expect(channel.asked).toEqual([['delete', 'delete'], ['delete'], ['delete']]);
    channel.replyTo(1, [yes], 'old');
    channel.replyTo(2, [yes], 'new');
    expect(await both).toEqual([yes, yes]);
    for (const key of ['a', 'b']) void client.request({ kind: 'delete', key });
    await turn();
    expect(channel.asked.at(-1)).toEqual(['delete', 'delete']);
  });

  it('rejects one that is not understood alone', async () => {
    const { channel, client } = await openClient();
    const answer = client.request({ kind: 'delete', key: 'a' }).catch((error: unknown) => error);
    await turn();
    channel.replyTo(0, [notUnderstood]);
    expect(await answer).toBeInstanceOf(ResultBackendError);
  });

  it('asks again those that the next keeper says to ask again, and only those', async () => {
    const { channel, client } = await openClient();
    const both = Promise.all(['a', 'b'].map((key) => client.request({ kind: 'set', key, value })));
    await turn();
    channel.replyTo(0, [yes, { kind: 'again' }]);
    await turn();
    expect(channel.asked).toEqual([['set', 'set'], ['set']]);
    expect(operationsOf(itemAt(channel.sent, 1))[0]?.operation).toMatchObject({ key: 'b' });
    channel.replyTo(1, [yes]);
    expect(await both).toEqual([yes, yes]);
  });

  it('sends nothing of a turn in which it was dropped', async () => {
    const { channel, client } = await openClient();
    const answer = client.request({ kind: 'delete', key: 'a' }).catch((error: unknown) => error);
    client.drop();
    await turn();
    expect(channel.sent).toEqual([]);
    expect(await answer).toBeInstanceOf(Error);
  });
});
