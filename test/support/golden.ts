import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ArrivedMessage } from '../../lib/formats/format.js';
import type { TaskHeaders } from '../../lib/task/task.js';

export const GOLDEN = join(process.cwd(), 'test/golden');

/** As RabbitMQ's management API shows them. */
interface Properties {
  readonly content_type?: string;
  readonly content_encoding?: string;
  readonly correlation_id?: string;
  readonly message_id?: string;
  readonly timestamp?: number;
  readonly reply_to?: string;
  readonly priority?: number;
  readonly headers?: TaskHeaders;
}

/** What a peer has put on the wire. */
export function golden(folder: string, name: string): ArrivedMessage {
  const { exchange, routing_key: routingKey, properties } = JSON.parse(readFileSync(join(GOLDEN, folder, `${name}.properties.json`), 'utf8')) as { exchange: string; routing_key: string; properties: Properties };
  const { content_type: contentType, content_encoding: contentEncoding, correlation_id: correlationId, message_id: messageId, timestamp, reply_to: replyTo, priority, headers } = properties;
  return { body: readFileSync(join(GOLDEN, folder, `${name}.body.json`)), exchange, routingKey, properties: { contentType, contentEncoding, correlationId, messageId, timestamp, replyTo, priority, headers } };
}

export function goldenNames(folder: string): string[] {
  return readdirSync(join(GOLDEN, folder)).filter((file) => file.endsWith('.body.json')).map((file) => file.replace('.body.json', ''));
}

/** A file that is JSON, such as the keys that a peer has left in Redis. */
export function readGoldenJson(path: string): unknown {
  return JSON.parse(readFileSync(join(GOLDEN, path), 'utf8'));
}
