import type { MessageProperties } from '../../brokers/broker.js';
import type { ChordPart } from '../../formats/celery/celery-result.js';
import type { StopWatching } from '../../state/state-backend.js';

/** Where Celery keeps results: one adapter for each of its result backends. */
export interface CeleryStore {
  /** Before a task is sent whose result is awaited here. */
  expect(id: string, properties: MessageProperties): Promise<void>;
  /** A success that is there stays. */
  write(id: string, record: Buffer, isSuccess: boolean, to: ReplyAddress): Promise<void>;
  read(id: string): Promise<Buffer | undefined>;
  watch(id: string, onRecord: (record: Buffer) => void, onError: (error: Error) => void): StopWatching;
  /** Before the members of a chord are sent. Absent where it cannot count. */
  initChord?(group: string, size: number): Promise<void>;
  /** One of its members has ended. Absent where it cannot count. */
  complete?(group: string, index: number | undefined, part: ChordPart): Promise<ChordEnd>;
  close(deadlineMs: number): Promise<void>;
}

export interface ReplyAddress {
  readonly replyTo?: string | undefined;
  readonly correlationId?: string | undefined;
}

/**
 * `pending`: others are still to end. `others`: somebody else has sent the callback, or is about to. `mine`: all have ended,
 * and it is for this member to send it, until `sent` is called.
 */
export type ChordEnd =
  | { readonly kind: 'pending' | 'others' }
  | { readonly kind: 'mine'; readonly parts: readonly ChordPart[]; /** Its members are groups or chains with a shape of their own. */ readonly isShaped: boolean; sent(): Promise<void> };
