import { randomUUID } from 'node:crypto';
import type { Broker, Message, MessageProperties } from '../../../brokers/broker.js';
import { InvalidTaskError, UnroutableTaskError } from '../../../errors.js';
import { messageOf } from '../../../task/error-text.js';
import { Header } from '../../../task/headers.js';

/** A task as it stands in line. */
export interface OrderedTask {
  readonly token: string;
  readonly uuid: string;
  readonly name: string;
  /** Where it goes: the first that leads anywhere. */
  readonly routingKeys: readonly string[];
  readonly message: Message;
  /** Who stands behind it, once that is written. */
  readonly next?: string;
}

export function encodeOrderedTask({ message: { body, properties }, ...task }: OrderedTask): Buffer {
  return Buffer.from(JSON.stringify({ ...task, body: body.toString('base64'), properties }));
}

/** `undefined` for somebody else's bytes. */
export function decodeOrderedTask(bytes: Buffer): OrderedTask | undefined {
  try {
    const { token, uuid, name, routingKeys, body, properties, next } = JSON.parse(bytes.toString()) as OrderedTask & { body: string; properties: MessageProperties };
    if (typeof token !== 'string' || typeof body !== 'string' || !Array.isArray(routingKeys)) return undefined;
    return { token, uuid, name, routingKeys, message: { body: Buffer.from(body, 'base64'), properties }, ...(typeof next === 'string' ? { next } : {}) };
  } catch {
    return undefined;
  }
}

/** Who sends it, where that is not its publisher: what cannot be sent must not stay for ever. */
export interface OrderedSender {
  /** Where it goes when none of its keys leads anywhere any more. */
  readonly queue: string;
  /** Makes a dead letter of one that the broker will never take; its line stands still behind it. Absent: it is tried again and again. */
  bury?(task: OrderedTask, problem: string): Promise<void>;
}

/**
 * It may have been sent before: each copy has a name of its own, and one of them is run.
 *
 * @throws what the broker throws
 */
export async function sendOrdered(broker: Pick<Broker, 'publish'>, task: OrderedTask, sender?: OrderedSender): Promise<void> {
  try {
    await sendSomewhere(broker, task, sender?.queue);
  } catch (error) {
    const isForGood = error instanceof UnroutableTaskError || error instanceof InvalidTaskError;
    if (!isForGood || sender?.bury === undefined) throw error;
    await sender.bury(task, messageOf(error));
  }
}

async function sendSomewhere(broker: Pick<Broker, 'publish'>, { message, routingKeys }: OrderedTask, otherwise: string | undefined): Promise<void> {
  const copy: Message = { body: message.body, properties: { ...message.properties, headers: { ...message.properties.headers, [Header.copy]: randomUUID() } } };
  const places = [...routingKeys.map((routingKey) => ({ routingKey })), ...otherwise === undefined ? [] : [{ queue: otherwise }]];
  let unroutable: unknown;
  for (const place of places) {
    try {
      return await broker.publish(copy, place);
    } catch (error) {
      if (!(error instanceof UnroutableTaskError)) throw error;
      unroutable ??= error;
    }
  }
  throw unroutable;
}
