import { createHash } from 'node:crypto';
import type { BrowsedMessage } from '../brokers/broker.js';
import type { DeadReason } from '../events/dispatcher-event.js';
import type { Format } from '../formats/format.js';
import { brokerDeaths } from '../task/broker-death.js';
import { attemptIn, countHeader, Header, republishableHeaders } from '../task/headers.js';
import type { HeaderValue, TaskHeaders } from '../task/task.js';
import { readHistory } from '../worker/attempt-history.js';
import type { DeadLetter, DeadLetterReason } from './dead-letter.js';

const OURS = 'x-dispatcher-';
/** By all of its names, so that the compiler misses a new one here. */
const REASONS: Readonly<Record<DeadReason, true>> = {
  failed: true, 'timed-out': true, 'invalid-body': true, unauthenticated: true, 'no-key': true, 'claim-missing': true, 'invalid-arguments': true, unsupported: true, 'unknown-task': true, 'unsupported-version': true, 'crash-loop': true, 'too-large': true, undelivered: true,
};

/**
 * Reads a message of a queue of dead letters. Never throws: whatever somebody put there can be listed.
 *
 * @param queue the work queue; what the message itself says of it goes before this
 */
export function readDeadLetter(message: BrowsedMessage, position: number, queue: string, { format, maxTaskBytes }: ReadingOptions): DeadLetter {
  const headers = message.properties.headers ?? {};
  const body = Buffer.from(message.body);
  const content = body.length > maxTaskBytes ? tooLarge(body.length, maxTaskBytes) : readContent(message, format);
  const [death] = brokerDeaths(headers);
  const uuid = content.uuid ?? (message.properties.messageId || undefined);
  return {
    id: uuid ?? digestOf(body, headers),
    uuid, ...content.task, body, problem: content.problem,
    headers: sendersHeaders(headers),
    reason: reasonOf(headers[Header.deadReason], death?.reason),
    error: text(headers[Header.deadError]),
    stack: text(headers[Header.deadStack]),
    issues: texts(headers[Header.deadIssues]),
    attempt: attemptIn(headers),
    history: readHistory(headers),
    replays: countHeader(headers, Header.replays, 0),
    at: time(headers[Header.deadAt]) ?? death?.at,
    queue: text(headers[Header.deadQueue]) ?? death?.queue ?? queue,
    worker: text(headers[Header.deadWorker]),
    exchange: text(headers[Header.originExchange]) ?? death?.exchange ?? message.exchange,
    routingKey: text(headers[Header.originRoutingKey]) ?? death?.routingKey ?? message.routingKey,
    position,
  };
}

export interface ReadingOptions {
  readonly format: Format;
  /** Larger bodies are not read, as a worker would not. */
  readonly maxTaskBytes: number;
}

interface Content {
  readonly uuid?: string;
  readonly task: Pick<DeadLetter, 'name' | 'args'>;
  readonly problem?: string;
}

function readContent(message: BrowsedMessage, format: Format): Content {
  try {
    const { uuid, name, args } = format.decode(message);
    return { uuid, task: { name, args } };
  } catch (error) {
    const known = format.identify?.(message) ?? {};
    return { uuid: known.uuid, task: { name: known.name }, problem: (error as Error).message };
  }
}

function tooLarge(bytes: number, maxTaskBytes: number): Content {
  return { task: {}, problem: `The body has ${bytes} bytes; at most ${maxTaskBytes} are read (maxTaskBytes).` };
}

function reasonOf(ours: HeaderValue | undefined, brokers: string | undefined): DeadLetterReason {
  if (typeof ours === 'string' && Object.hasOwn(REASONS, ours)) return ours as DeadLetterReason;
  return ours === 'delivery-limit' || brokers === 'delivery_limit' ? 'delivery-limit' : 'unknown';
}

function sendersHeaders(headers: TaskHeaders): TaskHeaders {
  return Object.fromEntries(Object.entries(republishableHeaders(headers)).filter(([name]) => !name.startsWith(OURS)));
}

/** A body without any name of its own is known by what it says and when it died. */
function digestOf(body: Buffer, headers: TaskHeaders): string {
  return `body:${createHash('sha256').update(body).update(text(headers[Header.deadAt]) ?? '').digest('hex').slice(0, 32)}`;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function texts(value: unknown): string[] | undefined {
  if (typeof value !== 'string') return undefined;
  try {
    const list: unknown = JSON.parse(value);
    return Array.isArray(list) ? list.filter((one) => typeof one === 'string') : undefined;
  } catch {
    return undefined;
  }
}

function time(value: unknown): Date | undefined {
  const at = typeof value === 'string' ? new Date(value) : undefined;
  return at === undefined || Number.isNaN(at.getTime()) ? undefined : at;
}
