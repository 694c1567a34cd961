import type { ChannelModel } from 'amqplib';
import { afterEach, expect, it, vi } from 'vitest';
import { Publisher } from '../../../../../lib/brokers/amqp/publishing/publisher.js';
import { BrokerUnavailableError, ShutdownError } from '../../../../../lib/errors.js';

const LIMITS = { window: 10, maxWaitingTasks: 10, maxWaitingBytes: 1_000, maxWaitMs: 1_000 };

afterEach(() => vi.useRealTimers());

function makePublisher(): Publisher {
  return new Publisher(LIMITS, { repair: () => Promise.resolve(), unavailable: () => new BrokerUnavailableError('gone', {}), warning: () => undefined });
}

it('a publisher that is closed keeps no process alive until it would have opened its channel again', async () => {
  vi.useFakeTimers();
  const model = { createConfirmChannel: () => Promise.reject(new Error('no channel')) } as unknown as ChannelModel;
  const publisher = makePublisher();
  publisher['model'] = model;
  publisher['barrenChannels'] = 4;
  const reopening = publisher['reopen'](model, { code: 504, text: 'an error of the channel' });
  expect(vi.getTimerCount()).toBe(1);
  await publisher.close(0);
  await reopening;
  expect(vi.getTimerCount()).toBe(0);
});

it('a publisher that was closed while its connection was made opens no channel on it: its end would be told to nobody', async () => {
  let opened = 0;
  const model = { createConfirmChannel: () => { opened++; return Promise.reject(new Error('no channel')); } } as unknown as ChannelModel;
  const publisher = makePublisher();
  await publisher.close(0);
  await expect(publisher.connected(model)).rejects.toBeInstanceOf(ShutdownError);
  expect(opened).toBe(0);
});

it('a publisher that is closed tries no channel any more, whoever still holds its connection for its own', async () => {
  let opened = 0;
  const model = { createConfirmChannel: () => { opened++; return Promise.reject(new Error('no channel')); } } as unknown as ChannelModel;
  const publisher = makePublisher();
  await publisher.close(0);
  publisher['model'] = model;
  await publisher['reopen'](model, { code: undefined, text: 'the channel was closed' });
  expect(opened).toBe(0);
});
