import type { Delivery } from '../brokers/broker.js';

/** Quorum queues give a message up after 20 times and more; each stop or crash of a process that holds it may add one. */
const WORN_AFTER = 8;

/** It came back so often that it is published again instead of being given back once more: a new message counts from zero. */
export function isWorn({ redelivered, deliveryCount = 0 }: Delivery): boolean {
  return redelivered && deliveryCount >= WORN_AFTER;
}
