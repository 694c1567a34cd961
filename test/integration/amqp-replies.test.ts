import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CLASSIC, guardedBy, returnsQueueOf } from '../../lib/amqp/queue-forms.js';
import { AmqpBroker } from '../../lib/brokers/amqp/amqp-broker.js';
import { removeExchange } from '../support/amqp-clean-up.js';
import { sharedRabbitMqUrl, uniqueName, withChannel } from '../support/shared-rabbitmq.js';
import { Arrivals, emission, pause } from '../support/wait.js';

const url = sharedRabbitMqUrl();
const EXPIRE_MS = 60_000;

/** What they promise stands in the contract of brokers; this is how RabbitMQ keeps it. */
describe('the reply queue of a process', () => {
  let exchange: string;
  let caller: AmqpBroker;
  let replies: Arrivals<string>;

  const open = (): ReturnType<AmqpBroker['openReplies']> => caller.openReplies(({ body }) => replies.add(body.toString()));

  beforeEach(async () => {
    exchange = uniqueName('amqp-replies');
    replies = new Arrivals();
    caller = new AmqpBroker({ url, exchange, reconnection: { retries: 'forever' }, repliesExpireMs: EXPIRE_MS });
    await caller.connect();
  });

  afterEach(async () => {
    await caller.close(5_000);
    await removeExchange(url, exchange);
  });

  it('has its name from the exchange, is durable and belongs to no connection', async () => {
    const { address } = await open();
    expect(address).toMatch(new RegExp(`^${exchange}\\.replies\\.v1\\.[0-9a-f-]{36}$`));
    // Refused if it were exclusive, transient or of other arguments.
    const form = { ...CLASSIC, ...guardedBy(returnsQueueOf(exchange)), 'x-expires': EXPIRE_MS };
    await withChannel(url, (channel) => channel.assertQueue(address, { durable: true, arguments: form }));
  });

  it.each([0, 2, 5, 10])('is not left behind by a broker that is closed %i ms after it began to open it', async (afterMs) => {
    const opening = open().then(() => undefined, () => undefined);
    const { address } = (caller as unknown as { replies: { address: string } }).replies;
    await pause(afterMs);
    await caller.close(5_000);
    await opening;
    const exists = await withChannel(url, (channel) => channel.checkQueue(address).then(() => true, () => false));
    expect(exists).toBe(false);
  });

  it('comes back when somebody deletes it', async () => {
    const { address } = await open();
    const back = emission(caller.events, ({ type }) => type === 'broker.consumer-restored', 'the consumer to be back');
    await withChannel(url, (channel) => channel.deleteQueue(address));
    await back;
    await caller.publish({ body: Buffer.from('heard'), properties: {} }, { queue: address });
    expect(await replies.count(1)).toEqual(['heard']);
  });
});
