import { createHash } from 'node:crypto';
import { ReceivedProperties } from '../../amqp/received-properties.js';
import { type BrowsedMessage, type Message, type MessageProperties, RECEIVED } from '../../brokers/broker.js';
import { headersToStay } from '../../task/broker-death.js';
import { display } from '../../task/argument-types.js';
import { UsageError } from '../failures.js';
import { fromJson, toJson } from '../output/json.js';

/** The first line of a file. */
export interface FileHead {
  readonly nestjsDispatcher: 'messages';
  readonly version: 1;
  readonly exchange: string;
  readonly queue: string;
  /** Whether they are dead letters of the queue, or wait in it. */
  readonly dead: boolean;
  readonly exportedAt: string;
}

/** A message on its way from one queue to another. */
export interface MovedMessage extends Message {
  /** Where it was. */
  readonly queue: string;
}

interface Line {
  readonly queue: string;
  readonly body: string;
  readonly properties: Omit<MessageProperties, typeof RECEIVED>;
  /** Flags and properties byte for byte as RabbitMQ sent them: they may say more than the others. */
  readonly amqp?: string;
}

/** As it is to be in its new place: what the broker has written must not travel. */
export function movedMessage({ body, properties }: BrowsedMessage, queue: string): MovedMessage {
  const { headers } = properties;
  // The body is the broker's, and may be overwritten.
  return { queue, body: Buffer.from(body), properties: { ...properties, ...headers === undefined ? {} : { headers: headersToStay(headers, queue) } } };
}

export function encodeHead(head: Omit<FileHead, 'nestjsDispatcher' | 'version'>): string {
  return `${toJson({ nestjsDispatcher: 'messages', version: 1, ...head })}\n`;
}

/** @throws UsageError for what is no such file */
export function decodeHead(text: string, file: string): FileHead {
  const head = parsed(text) as Partial<FileHead> | undefined;
  if (head?.nestjsDispatcher === 'messages' && head.version === 1 && typeof head.queue === 'string') return head as FileHead;
  throw new UsageError(`${file} is no file of \`export\`${head?.nestjsDispatcher === 'messages' ? ' that this version can read' : ''}.`);
}

export function encodeMessage({ queue, body, properties }: MovedMessage): string {
  const received = properties[RECEIVED];
  const line: Line = {
    queue, body: body.toString('base64'), properties: { ...properties },
    ...received instanceof ReceivedProperties ? { amqp: received.bytes.toString('base64') } : {},
  };
  return `${toJson(line)}\n`;
}

/** The same for a message that was taken, given back and taken again: what RabbitMQ adds meanwhile is not part of it. */
export function identityOf({ queue, body, properties }: MovedMessage): string {
  return createHash('sha256').update(toJson({ queue, properties })).update(body).digest('base64');
}

/** @throws UsageError */
export function decodeMessage(text: string, file: string, number: number): MovedMessage {
  const line = parsed(text) as Partial<Line> | undefined;
  if (typeof line?.queue !== 'string' || typeof line.body !== 'string' || typeof line.properties !== 'object') {
    throw new UsageError(`Line ${number} of ${file} is no message; found ${display(text)}. Nothing behind it was read.`);
  }
  const received = line.amqp === undefined ? undefined : ReceivedProperties.read(Buffer.from(line.amqp, 'base64'));
  return {
    queue: line.queue, body: Buffer.from(line.body, 'base64'),
    properties: { ...line.properties, ...received === undefined ? {} : { [RECEIVED]: received } },
  };
}

function parsed(text: string): unknown {
  try {
    return fromJson(text);
  } catch {
    return undefined;
  }
}
