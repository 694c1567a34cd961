import { Fifo } from './fifo.js';
import type { LogRecord } from './log-record.js';

interface Release {
  readonly record: LogRecord;
  /** The number of the record that must be confirmed first. */
  readonly needs: number;
  readonly supersededBy: LogRecord | undefined;
}

/**
 * Acknowledges records that are of no use any more, and none too early.
 *
 * - What supersedes a record must be confirmed first: a server killed in between would keep neither.
 * - What superseded a record may itself go only when the acknowledgement of the first is safe as well.
 *   RabbitMQ confirms no acknowledgements, but it writes them in order with what is published after
 *   them: one record published later and confirmed is the proof. Otherwise a killed server that forgot
 *   the one acknowledgement and not the other would bring back what was deleted.
 */
export class Releases {
  private readonly line = new Fifo<Release>();

  /** @param nextNumber that the next record written will get */
  constructor(private readonly acknowledge: (tag: number) => void, private readonly nextNumber: () => number) {}

  get waiting(): number {
    return this.line.size;
  }

  add(record: LogRecord, needs: number, supersededBy?: LogRecord): void {
    this.line.push({ record, needs, supersededBy });
  }

  /** @param confirmed all records up to this number are */
  flush(confirmed: number): void {
    for (let next = this.line.first; next !== undefined; next = this.line.first) {
      const { record, needs, supersededBy } = next;
      // Strictly in order: a record comes after those that it has superseded, which may put it off.
      if (record.tag === undefined || Math.max(needs, record.notBefore) > confirmed) return;
      this.line.shift();
      this.acknowledge(record.tag);
      if (supersededBy !== undefined) supersededBy.notBefore = this.nextNumber();
    }
  }
}
