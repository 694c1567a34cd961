import type { RecordContent } from './ledger-record.js';
import { LogPlace } from './log-place.js';

/** A record in the queue, as its keeper knows it: delivered to it and not acknowledged, so that the queue keeps it. */
export interface LogRecord<C extends RecordContent = RecordContent> {
  readonly content: C;
  /** When it was delivered or written, by the keeper's clock. */
  readonly since: number;
  readonly place: LogPlace;
}

export function newRecord<C extends RecordContent>(content: C, since: number): LogRecord<C> {
  return { content, since, place: new LogPlace() };
}
