import type { ChannelModel } from 'amqplib';
import { afterEach, expect, it, vi } from 'vitest';
import { Publisher } from '../../../../../lib/brokers/amqp/publishing/publisher.js';
import { BrokerUnavailableError } from '../../../../../lib/errors.js';

const LIMITS = { window: 10, maxWaitingTasks: 10, maxWaitingBytes: 1_000, maxWaitMs: 1_000 };

afterEach(() => vi.useRealTimers());

it('a publisher that is closed keeps no process alive until it would have opened its channel again', async () => {
  vi.useFakeTimers();
  const model = { createConfirmChannel: () => Promise.reject(new Error('no channel')) } as unknown as ChannelModel;
  const publisher = new Publisher(LIMITS, { repair: () => Promise.resolve(), unavailable: () => new BrokerUnavailableError('gone', {}), warning: () => undefined });
  publisher['model'] = model;
  publisher['barrenChannels'] = 4;
  const reopening = publisher['reopen'](model, { code: 504, text: 'an error of the channel' });
  expect(vi.getTimerCount()).toBe(1);
  await publisher.close(0);
  await reopening;
  expect(vi.getTimerCount()).toBe(0);
});
