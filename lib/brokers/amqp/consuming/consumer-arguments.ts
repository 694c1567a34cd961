import type { ChannelModel } from 'amqplib';
import type { QueueType } from '../../broker.js';
import { serverVersion } from '../topology/server-version.js';

const CONSUMER_TIMEOUT = 'x-consumer-timeout';

/**
 * What a consumer asks of its server. From 4.3 on that of a quorum queue says itself how long its deliveries may stay
 * unsettled: then what we reckon with holds, whatever the server's configuration is. Classic queues know no such time
 * there, and refuse to be told. An argument of a consumer changes no queue.
 */
export function consumerArguments(model: ChannelModel, type: QueueType | undefined, consumerTimeoutMs: number | undefined): Record<string, unknown> | undefined {
  if (consumerTimeoutMs === undefined || type !== 'quorum') return undefined;
  const version = serverVersion(model);
  return version.major > 4 || (version.major === 4 && version.minor >= 3) ? { [CONSUMER_TIMEOUT]: consumerTimeoutMs } : undefined;
}

/** `PRECONDITION_FAILED - invalid arg 'x-consumer-timeout' for queue 'q' in vhost '/' of queue type rabbit_classic_queue` */
export function isRefusedArgument(error: unknown): boolean {
  return error instanceof Error && error.message.includes(`invalid arg '${CONSUMER_TIMEOUT}'`);
}
