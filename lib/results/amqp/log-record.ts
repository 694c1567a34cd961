import type { RecordContent } from './ledger-record.js';

/** A record in the queue, as its keeper knows it: delivered to it and not acknowledged, so that the queue keeps it. */
export interface LogRecord<C extends RecordContent = RecordContent> {
  readonly content: C;
  /** The delivery's tag; `undefined` while it is on its way to the queue and back. */
  tag: number | undefined;
  /** It may go only once a record with this number, or a later one, is confirmed. */
  notBefore: number;
  /** When it was delivered or written, by the keeper's clock. */
  readonly since: number;
}
