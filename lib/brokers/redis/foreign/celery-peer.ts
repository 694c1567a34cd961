import { randomUUID } from 'node:crypto';
import { Header } from '../../../task/headers.js';
import type { TaskHeaders } from '../../../task/task.js';
import type { MessageProperties } from '../../broker.js';
import type { Peer } from './peer.js';

/** What kombu puts between the parts of a key. */
const SEPARATOR = '\u0006\u0016';
/** Its `priority_steps`: a list for each, and the first one is emptied before the next. */
const STEPS = [0, 3, 6, 9];
const PERSISTENT = 2;

interface Envelope {
  readonly body: string;
  readonly 'content-type'?: string;
  readonly 'content-encoding'?: string;
  readonly headers?: TaskHeaders;
  readonly properties?: { readonly body_encoding?: string; readonly correlation_id?: string; readonly reply_to?: string; readonly priority?: number };
}

/** Celery over kombu: lists by priority, whose elements are envelopes around the message as it would be on RabbitMQ. Delays it has none: they wait with us. */
export const celeryPeer: Peer = makePeer('celery');

/** The same, whose bodies are of protocol 1, as gocelery's. */
export const celery1Peer: Peer = makePeer('celery1');

function makePeer(format: string): Peer {
  return {
    format,
    hasDead: false,

    lines: ({ queue }) => STEPS.map((step) => ({ from: 'R', key: listOf(queue, step) })),

    put({ body, properties }, { queue }, isDelayed) {
      const { priority = 0 } = properties;
      const element = JSON.stringify(envelopeOf(body, properties, queue, priority));
      const list = listOf(queue, STEPS.findLast((step) => step <= priority) ?? 0);
      if (isDelayed) return { to: 'D', key: list, end: 'L', element };
      return { to: 'L', key: list, element, known: { key: `_kombu.binding.${queue}`, member: [queue, '', queue].join(SEPARATOR) } };
    },

    read(element) {
      const { body, 'content-type': contentType, 'content-encoding': contentEncoding, headers, properties = {} } = readEnvelope(element);
      const { correlation_id: correlationId, reply_to: replyTo, priority, body_encoding: encoding } = properties;
      return {
        body: Buffer.from(body, encoding === 'base64' ? 'base64' : 'utf8'),
        properties: { contentType, contentEncoding, headers: headers ?? {}, messageId: correlationId, correlationId, replyTo, ...(typeof priority === 'number' ? { priority } : {}) },
      };
    },

    timed: () => [],
  };
}

function listOf(queue: string, step: number): string {
  return step === 0 ? queue : `${queue}${SEPARATOR}${step}`;
}

function envelopeOf(body: Buffer, { contentType, contentEncoding, headers = {}, messageId, correlationId, replyTo }: MessageProperties, queue: string, priority: number): object {
  const { [Header.format]: _, ...carried } = headers;
  return {
    body: body.toString('base64'), 'content-encoding': contentEncoding ?? 'utf-8', 'content-type': contentType ?? 'application/json', headers: carried,
    properties: {
      correlation_id: correlationId ?? messageId, ...(replyTo === undefined ? {} : { reply_to: replyTo }), delivery_mode: PERSISTENT,
      // By its tag kombu knows what is unacknowledged: each has one of its own.
      delivery_info: { exchange: '', routing_key: queue }, priority, body_encoding: 'base64', delivery_tag: randomUUID(),
    },
  };
}

/** @throws Error where it is none */
function readEnvelope(element: Buffer): Envelope {
  const envelope: unknown = JSON.parse(element.toString());
  if (typeof envelope !== 'object' || envelope === null || typeof (envelope as Envelope).body !== 'string') throw new Error('it is no envelope of kombu');
  return envelope as Envelope;
}
