import { bucketName, DELAY_LEVELS, dueName, levelName, nearName, undeliveredName, wheelName } from '../../lib/brokers/amqp/delays/delay-ladder.js';
import { removeFromRabbitMq, withChannel } from './shared-rabbitmq.js';

/** Removes a main exchange, everything that is named after it, and the given queues with their dead letter queues. */
export async function removeExchange(url: string, exchange: string, queues: string[] = []): Promise<void> {
  const levels = Array.from({ length: DELAY_LEVELS }, (_, level) => levelName(exchange, level));
  const both = [...levels, nearName(exchange), undeliveredName(exchange), dueName(exchange), wheelName(exchange)];
  await removeFromRabbitMq(url, {
    queues: [...both, ...await bucketsOf(url, exchange), `${exchange}.control.v1.pauses`, `${exchange}.control.v1.cancellations`, `${exchange}.control.v1.schedules`, `${exchange}.control.v1.mixed`, `${exchange}.control.v1.failure-notes`, ...queues, ...queues.map((queue) => `${queue}.dead`)],
    exchanges: [...both, `${exchange}.control.v1`, `${exchange}.inspection.v1`, exchange],
  });
}

/** As their notes say, which go by this. */
async function bucketsOf(url: string, exchange: string): Promise<string[]> {
  try {
    return await withChannel(url, async (channel) => {
      const names: string[] = [];
      for (let note = await channel.get(wheelName(exchange), { noAck: true }); note !== false; note = await channel.get(wheelName(exchange), { noAck: true })) names.push(bucketName(exchange, note.content.toString()));
      return names;
    });
  } catch {
    // There is no wheel.
    return [];
  }
}
