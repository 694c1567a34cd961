import type { MessageProperties as AmqpProperties } from 'amqplib';
import { Header } from '../../../task/headers.js';
import type { TaskHeaders } from '../../../task/task.js';
import { type MessageProperties, RECEIVED } from '../../broker.js';

/**
 * amqplib's object is fresh for each message, so it is used rather than copied. What the port does
 * not know is cleared: a foreign `expiration` must not travel on when somebody republishes it, and the server refuses
 * the name of another user. Headers of ours say what they were.
 */
export function portProperties(properties: AmqpProperties): MessageProperties {
  const raw = properties as unknown as Record<string, unknown>;
  if (raw['expiration'] !== undefined) noteIn(raw, Header.originExpiration, raw['expiration']);
  if (raw['userId'] !== undefined) noteIn(raw, Header.originUserId, raw['userId']);
  raw['deliveryMode'] = raw['expiration'] = raw['userId'] = raw['clusterId'] = undefined;
  const port = raw as MessageProperties;
  const received = raw['received'];
  if (received !== undefined) {
    raw['received'] = undefined;
    port[RECEIVED] = received as object;
  }
  return port;
}

function noteIn(raw: Record<string, unknown>, header: string, value: unknown): void {
  const headers = (raw['headers'] ??= {}) as TaskHeaders;
  headers[header] ??= String(value);
}
