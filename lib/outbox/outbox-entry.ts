import { InvalidTaskError, type KeptTask } from '../index.js';
import type { OutboxRow } from './outbox-database.js';

/** A task as it waits in the table. */
export interface OutboxEntry {
  readonly id: unknown;
  /** Those of one key are sent in order. */
  readonly orderKey: string | undefined;
  readonly tries: number;
  readonly task: KeptTask;
}

/** All but its body, as JSON; its arguments are in that already. @throws InvalidTaskError for what cannot be told later */
export function encodeEntry({ name, routingKey, dueAt, level, unique, properties }: KeptTask): string {
  if (unique?.replace === true) {
    throw new InvalidTaskError(`Task "${name}" is unique with replaceArguments, and published in a transaction: when it is sent, newer arguments may have been. Publish it without replaceArguments, or outside of the transaction.`, { task: name });
  }
  return JSON.stringify({ routingKey, dueAt, level, unique, properties });
}

export function decodeEntry({ id, order_key: orderKey, uuid, name, task, body, tries }: OutboxRow): OutboxEntry {
  const kept = JSON.parse(task as string) as Omit<KeptTask, 'uuid' | 'name' | 'args' | 'body'>;
  return {
    id, orderKey: orderKey === null ? undefined : orderKey as string, tries: Number(tries),
    task: { ...kept, uuid: uuid as string, name: name as string, args: [], body: Buffer.from(body as Uint8Array) },
  };
}
