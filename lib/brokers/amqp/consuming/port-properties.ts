import type { MessageProperties as AmqpProperties } from 'amqplib';
import type { MessageProperties } from '../../broker.js';

/**
 * amqplib's object is fresh for each message, so it is used rather than copied. What the port does
 * not know is cleared: a foreign `expiration` must not travel on when somebody republishes it.
 */
export function portProperties(properties: AmqpProperties): MessageProperties {
  const raw = properties as unknown as Record<string, unknown>;
  raw['deliveryMode'] = raw['expiration'] = raw['userId'] = raw['clusterId'] = undefined;
  return raw;
}
