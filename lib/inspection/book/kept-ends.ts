import type { TaskErrorRecord } from '../../results/task-error-record.js';
import { detached } from '../../task/error-text.js';
import type { TaskArgument, TaskHeaders } from '../../task/task.js';
import type { FailureMark } from '../failure-mark.js';
import type { EndedState, LogLine } from '../model.js';
import { Ring } from './ring.js';

/** What is kept of a task that has ended here. Told only after redaction. */
export interface EndedEntry {
  uuid: string;
  readonly name: string;
  readonly attempt: number;
  readonly queue: string;
  readonly worker: string;
  readonly state: EndedState;
  readonly reason: string | undefined;
  readonly error: TaskErrorRecord | undefined;
  /** Of whatever has an error. */
  readonly mark: FailureMark | undefined;
  readonly startedAt: number;
  readonly endedAt: number;
  /** As the handler got them, not copied; `undefined` where they are too large to be kept, or had to give way to newer ones. */
  args: readonly TaskArgument[] | undefined;
  readonly argsBytes: number;
  readonly headers: TaskHeaders | undefined;
  /** Gives way with the arguments. */
  log: readonly LogLine[];
  /** The uuids of what its handler has published; gives way with them too. */
  sent: readonly string[] | undefined;
}

const NO_LINES: readonly LogLine[] = [];
const BYTES_OF_UUID = 72;

/** The last ends, of which the newest have their arguments and their log too, as far as the bytes go. */
export class KeptEnds {
  private readonly ring: Ring<EndedEntry>;
  private bytes = 0;
  /** All older ones have lost theirs. */
  private oldestWhole = 0;

  constructor(capacity: number, private readonly mostBytes: number) {
    this.ring = new Ring(capacity);
  }

  add(entry: EndedEntry): void {
    const { leaving } = this.ring;
    if (leaving !== undefined) this.letGo(leaving);
    this.ring.push(entry);
    this.bytes += bytesOf(entry);
    this.oldestWhole = Math.max(this.oldestWhole, this.ring.first);
    while (this.bytes > this.mostBytes) {
      const oldest = this.ring.at(this.oldestWhole++);
      if (oldest === undefined) break;
      this.letGo(oldest);
    }
  }

  newestFirst(): Iterable<EndedEntry> {
    return this.ring.newestFirst();
  }

  private letGo(entry: EndedEntry): void {
    this.bytes -= bytesOf(entry);
    entry.log = NO_LINES;
    entry.sent = undefined;
    if (entry.args === undefined) return;
    entry.args = undefined;
    entry.uuid = detached(entry.uuid);
  }
}

/** About so many of arguments, log and names are kept alive by it. */
export function bytesOf({ args, argsBytes, log, sent }: EndedEntry): number {
  let bytes = (args === undefined ? 0 : argsBytes) + BYTES_OF_UUID * (sent?.length ?? 0);
  // Most handlers write nothing.
  if (log.length > 0) for (const { text } of log) bytes += 2 * text.length;
  return bytes;
}
