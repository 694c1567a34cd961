import type { ChannelModel } from 'amqplib';
import { withChannel } from '../../../../amqp/open-channel.js';
import { declareInOneOf, ownForms } from '../../../../amqp/queue-forms.js';
import { declarationFailure } from '../../topology/declaration-failure.js';
import { declareOrFind } from '../../topology/declare-or-find.js';
import { ownQuorumForms } from '../../topology/queue-arguments.js';
import { serverVersion } from '../../topology/server-version.js';
import { bucketName, dueName, wheelName } from '../delay-ladder.js';

/**
 * The exchange by which buckets are reached, and the queue of notes that says which there are. What is for a bucket that is not
 * there goes to the end of the ladder instead, from where whoever takes it there makes the bucket: nobody who
 * publishes needs to make one, nor to know whether it is still there. The end of the ladder has to be there before.
 */
export async function declareWheel(model: ChannelModel, exchange: string): Promise<void> {
  const [wheel, due] = [wheelName(exchange), dueName(exchange)];
  await declareInOneOf(ownForms(due), (form) => declareOrFind(model, {
    what: `the queue of the notes on buckets of exchange "${exchange}"`,
    declare: (channel) => channel.assertQueue(wheel, { durable: true, arguments: form }),
    find: (channel) => channel.checkQueue(wheel),
  }, () => undefined));
  await declareOrFind(model, {
    what: `the timing wheel of exchange "${exchange}"`,
    declare: (channel) => channel.assertExchange(wheel, 'direct', { durable: true, alternateExchange: due }),
    find: (channel) => channel.checkExchange(wheel),
  }, () => undefined);
}

/** Nothing enters it before it is bound. @throws BrokerRefusedError where it may not be made, also where it is there */
export async function makeBucket(model: ChannelModel, exchange: string, key: string): Promise<void> {
  const name = bucketName(exchange, key);
  try {
    await declareInOneOf(ownQuorumForms(dueName(exchange), serverVersion(model)), (form) => withChannel(model, (channel) => channel.assertQueue(name, { durable: true, arguments: form })));
  } catch (error) {
    throw declarationFailure(error, `queue "${name}"`);
  }
}

/** From then on it is reached by its key. Everybody must be able to know of it before. */
export async function bindBucket(model: ChannelModel, exchange: string, key: string): Promise<void> {
  const name = bucketName(exchange, key);
  try {
    await withChannel(model, (channel) => channel.bindQueue(name, wheelName(exchange), key));
  } catch (error) {
    throw declarationFailure(error, `queue "${name}"`);
  }
}
