import type { Message } from '../../brokers/broker.js';

/** How it is marked on the wire that nobody listens to the progress of a task any more, or somebody does again. */
export const UNHEARD_TYPE = 'dispatcher.unheard';
export const HEARD_TYPE = 'dispatcher.heard';

/** What a caller tells a worker. */
export interface ListeningNote {
  readonly uuid: string;
  /** The address at which the caller gets reports: that of the task itself. Nobody can silence the task of another by its uuid alone. */
  readonly caller: string;
  readonly listening: boolean;
}

export function listeningMessage({ uuid, caller, listening }: ListeningNote): Message {
  return { body: Buffer.alloc(0), properties: { type: listening ? HEARD_TYPE : UNHEARD_TYPE, correlationId: uuid, replyTo: caller } };
}

/** `undefined`: it is none that can be used. */
export function readListeningNote({ properties: { type, correlationId, replyTo } }: Message): ListeningNote | undefined {
  if (type !== UNHEARD_TYPE && type !== HEARD_TYPE) return undefined;
  if (!isText(correlationId) || !isText(replyTo)) return undefined;
  return { uuid: correlationId, caller: replyTo, listening: type === HEARD_TYPE };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
