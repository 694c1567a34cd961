import { startRabbitMq } from '../../support/rabbitmq.js';
import type { Trace } from '../traces/follow.js';
import { recordBusyRun } from './busy-run.js';

/** Real runs on a RabbitMQ of their own: the traces of each protocol, by its name. */
export async function recordAll(): Promise<ReadonlyMap<string, readonly Trace[]>> {
  const node = await startRabbitMq();
  try {
    const { traces } = await recordBusyRun(node.url);
    return new Map([['Settle', [...traces.values()]]]);
  } finally {
    await node.stop();
  }
}
