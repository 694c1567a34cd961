import type { Delivery } from '../brokers/broker.js';
import { countHeader, Header } from '../task/headers.js';

/** This attempt may have been delivered before: the broker says so, or it said so of the delivery that this is a copy of. */
export function cameBack({ redelivered, properties }: Pick<Delivery, 'redelivered' | 'properties'>): boolean {
  return redelivered || (properties.headers?.[Header.redeliveries] !== undefined && countHeader(properties.headers, Header.redeliveries, 0) > 0);
}
