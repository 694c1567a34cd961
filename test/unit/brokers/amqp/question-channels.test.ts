import { EventEmitter } from 'node:events';
import type { Channel, ChannelModel } from 'amqplib';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { QuestionChannels } from '../../../../lib/brokers/amqp/browsing/question-channels.js';

class FakeChannel extends EventEmitter {
  isClosed = false;

  close(): Promise<void> {
    this.isClosed = true;
    this.emit('close');
    return Promise.resolve();
  }
}

function fakeConnection(): { model: ChannelModel; opened: FakeChannel[] } {
  const opened: FakeChannel[] = [];
  const createChannel = (): Promise<FakeChannel> => {
    const channel = new FakeChannel();
    opened.push(channel);
    return Promise.resolve(channel);
  };
  return { opened, model: { connection: {}, createChannel } as unknown as ChannelModel };
}

const which = (opened: readonly FakeChannel[]) => (channel: Channel): Promise<number> => Promise.resolve(opened.indexOf(channel as unknown as FakeChannel));

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

it('ask many questions on one channel, and at the same time on a few that are kept', async () => {
  const { model, opened } = fakeConnection();
  const channels = new QuestionChannels();
  expect(await channels.ask(model, which(opened))).toBe(0);
  expect(await channels.ask(model, which(opened))).toBe(0);
  await Promise.all(Array.from({ length: 10 }, () => channels.ask(model, which(opened))));
  expect(opened).toHaveLength(10);
  expect(opened.filter(({ isClosed }) => !isClosed)).toHaveLength(4);
  await channels.close();
  expect(opened.every(({ isClosed }) => isClosed)).toBe(true);
  expect(vi.getTimerCount()).toBe(0);
});

it('are given back when nobody has asked for a while', async () => {
  const { model, opened } = fakeConnection();
  const channels = new QuestionChannels();
  await channels.ask(model, which(opened));
  await vi.advanceTimersByTimeAsync(4_000);
  expect(await channels.ask(model, which(opened))).toBe(0);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(opened[0]?.isClosed).toBe(false);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(opened[0]?.isClosed).toBe(true);
  expect(await channels.ask(model, which(opened))).toBe(1);
  await channels.close();
});

it('are not used again where a question was refused, the server has closed them, or the connection is another', async () => {
  const { model, opened } = fakeConnection();
  const channels = new QuestionChannels();
  await expect(channels.ask(model, () => Promise.reject(Object.assign(new Error('no such queue'), { code: 404 })))).rejects.toMatchObject({ code: 404 });
  expect(opened[0]?.isClosed).toBe(true);
  expect(await channels.ask(model, which(opened))).toBe(1);
  opened[1]?.emit('close');
  expect(await channels.ask(model, which(opened))).toBe(2);
  // Gone between its answer and its return to the others.
  expect(await channels.ask(model, async (channel) => { channel.emit('close'); return which(opened)(channel); })).toBe(2);
  expect(await channels.ask(model, which(opened))).toBe(3);
  const other = fakeConnection();
  expect(await channels.ask(other.model, which(other.opened))).toBe(0);
  await channels.close();
  // Whoever still asks has a channel of his own, for the one question.
  expect(await channels.ask(model, which(opened))).toBe(4);
  expect(opened[4]?.isClosed).toBe(true);
});
