import { BrokerError } from '../errors.js';
import { messageOf } from './error-text.js';

/** The largest message that a broker broadcasts. */
export const MOST_BROADCAST_BYTES = 1024 * 1024;

/** @throws BrokerError for what no broker may be asked to broadcast */
export function checkBroadcast(topic: string, message: Buffer): void {
  if (message.length <= MOST_BROADCAST_BYTES) return;
  throw new BrokerError('ERR_DISPATCHER_BROADCAST_TOO_LARGE',
    `A message of ${message.length} bytes was to be broadcast; at most ${MOST_BROADCAST_BYTES} can be. Say less, or in parts.`, { topic, bytes: message.length, limitBytes: MOST_BROADCAST_BYTES });
}

export function broadcastListenerFailed(topic: string, error: unknown): string {
  return `A listener of what is broadcast under "${topic}" failed, and goes on: ${messageOf(error)}`;
}
