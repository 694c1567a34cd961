import type { ChannelModel } from 'amqplib';
import { expect, it } from 'vitest';
import { ForwarderConsumption } from '../../../../../lib/brokers/amqp/delays/forwarder-consumption.js';
import type { Forwarding } from '../../../../../lib/brokers/amqp/delays/forwarding.js';
import { Signal, within } from '../../../../support/wait.js';

/** A bucket that somebody deletes between the look and the visit: whoever visits it would have tried for ever, and not have come back to it. */
it('can be closed while its queue cannot be consumed, though all others go on', async () => {
  const warned = new Signal();
  const warnings: string[] = [];
  let tries = 0;
  const forwarding = {
    signal: new AbortController().signal,
    host: {
      connection: () => Promise.resolve({} as ChannelModel),
      random: () => 1,
      warn: (text: string) => {
        warnings.push(text);
        warned.fire();
      },
    },
  } as unknown as Forwarding;
  const consumption = new ForwarderConsumption(forwarding, { name: 'q', prefetch: 1, declare: () => Promise.reject(new Error(`try ${++tries}`)) }, () => undefined);
  consumption.start();
  await warned.within(5_000, 'the first failure');
  await within(consumption.close(), 5_000, 'the end');
  consumption.start();
  expect({ tries, warnings }).toEqual({ tries: 1, warnings: [expect.stringContaining('try 1')] });
});
