import type { ConsumeMessage } from 'amqplib';
import { MalformedMessageError, pack, unpack } from './ledger-frame.js';
import { decodeOperation, encodeOperation, type Operation } from './ledger-operation.js';
import { encodeReply, type Reply } from './ledger-reply.js';

/** The type of a message with one thing that is asked, or one answer; and of one with several. */
export const REQUEST = 'request';
export const REQUESTS = 'requests';
export const REPLY = 'reply';
export const REPLIES = 'replies';

/** What came in one message: one thing that is asked, or several, which are done in this order. */
export interface Request {
  /** Where answers go; absent where none is wanted. */
  readonly address: string | undefined;
  readonly tag: number;
  /** An earlier keeper had it. */
  readonly again: boolean;
  readonly operations: readonly { readonly id: string; readonly operation: Operation }[];
}

/** Several answers in one message are no more than so many bytes, unless one alone is. */
const MOST_REPLIED_BYTES = 1024 * 1024;

export function encodeOperations(operations: readonly Operation[]): Buffer {
  return pack({ kind: 'several' }, operations.map(encodeOperation));
}

/** @throws MalformedMessageError */
export function readRequest({ fields, properties, content }: ConsumeMessage): Request {
  const { correlationId = '', replyTo, type } = properties as { correlationId?: string; replyTo?: string; type?: string };
  const bodies = type === REQUESTS ? unpack(content).allValues : [content];
  return {
    address: replyTo, tag: fields.deliveryTag, again: fields.redelivered,
    operations: bodies.map((body, i) => ({ id: i === 0 ? correlationId : laterId(correlationId, i), operation: decodeOperation(body) })),
  };
}

/**
 * Of several that are asked together, or answered together, only the first is named: the others count on from it.
 * @throws MalformedMessageError
 */
export function laterId(first: string, by: number): string {
  const dot = first.lastIndexOf('.');
  const number = Number(first.slice(dot + 1));
  if (dot === -1 || !Number.isSafeInteger(number)) throw new MalformedMessageError('several requests whose name does not end in a number');
  return `${first.slice(0, dot)}.${number + by}`;
}

export interface ReplyMessage {
  readonly type: typeof REPLY | typeof REPLIES;
  readonly correlationId: string;
  readonly body: Buffer;
}

/** As many messages as it takes. */
export function replyMessages(keeper: string, first: string, replies: readonly Reply[]): ReplyMessage[] {
  const bodies = replies.map((reply) => encodeReply({ keeper, reply }));
  if (bodies.length === 1) return [{ type: REPLY, correlationId: first, body: bodies[0]! }];
  const messages: ReplyMessage[] = [];
  for (let from = 0; from < bodies.length;) {
    let [to, bytes] = [from, 0];
    do bytes += bodies[to++]!.length; while (to < bodies.length && bytes + bodies[to]!.length <= MOST_REPLIED_BYTES);
    messages.push({ type: REPLIES, correlationId: from === 0 ? first : laterId(first, from), body: pack({ kind: 'several' }, bodies.slice(from, to)) });
    from = to;
  }
  return messages;
}
