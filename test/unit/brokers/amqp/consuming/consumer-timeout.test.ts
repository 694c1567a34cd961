import type { ChannelModel } from 'amqplib';
import { describe, expect, it } from 'vitest';
import { cancellation, closureFailure } from '../../../../../lib/brokers/amqp/consuming/consume-failure.js';
import { consumerArguments } from '../../../../../lib/brokers/amqp/consuming/consumer-arguments.js';

const serverOf = (version: unknown): ChannelModel => ({ connection: { serverProperties: { version } } }) as unknown as ChannelModel;

describe('how long a delivery may stay unsettled', () => {
  it.each([['4.3.6', true], ['4.10.0', true], ['5.0.0', true], ['4.2.9', false], ['4.0.5', false], ['3.10.8', false], ['', false], [undefined, false]])(
    'is asked of a server that knows it of a consumer: %s', (version, knows) => {
      expect(consumerArguments(serverOf(version), 'quorum', 1_800_000)).toEqual(knows ? { 'x-consumer-timeout': 1_800_000 } : undefined);
      expect(consumerArguments(serverOf(version), 'classic', 1_800_000)).toBeUndefined();
      expect(consumerArguments(serverOf(version), undefined, 1_800_000)).toBeUndefined();
      expect(consumerArguments(serverOf(version), 'quorum', undefined)).toBeUndefined();
    });

  it('is what the text of the event is about when a server has taken deliveries away', () => {
    const text = 'Channel closed by server: 406 (PRECONDITION-FAILED) with message "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. '
      + 'Timeout value used: 2000 ms. This timeout value can be configured, see consumers doc guide to learn more"';
    const closed = closureFailure('q', { code: 406, text });
    expect({ code: closed.code, retryable: closed.retryable }).toEqual({ code: 'ERR_DISPATCHER_CONSUMER_TIMEOUT', retryable: true });
    for (const error of [closed, cancellation('q')]) expect(error.message).toMatch(/"q".*consumer_timeout.*consumerTimeoutSeconds/);
    expect(closureFailure('q', { code: 406, text: 'PRECONDITION_FAILED - unknown delivery tag 3' }).code).not.toBe(closed.code);
  });
});
