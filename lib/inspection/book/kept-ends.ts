import type { TaskErrorRecord } from '../../results/task-error-record.js';
import type { TaskArgument, TaskHeaders } from '../../task/task.js';
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
  readonly startedAt: number;
  readonly endedAt: number;
  /** As the handler got them, not copied; `undefined` where they are too large to be kept, or had to give way to newer ones. */
  args: readonly TaskArgument[] | undefined;
  readonly argsBytes: number;
  readonly headers: TaskHeaders | undefined;
  readonly log: readonly LogLine[];
}

/** The last ends, of which the newest have their arguments too, as far as the bytes go. */
export class KeptEnds {
  private readonly ring: Ring<EndedEntry>;
  private bytes = 0;
  /** All older ones have lost their arguments. */
  private withArgs = 0;

  constructor(capacity: number, private readonly mostArgsBytes: number) {
    this.ring = new Ring(capacity);
  }

  add(entry: EndedEntry): void {
    const { leaving } = this.ring;
    if (leaving !== undefined) this.letGo(leaving);
    this.ring.push(entry);
    if (entry.args === undefined) return;
    this.bytes += entry.argsBytes;
    this.withArgs = Math.max(this.withArgs, this.ring.first);
    while (this.bytes > this.mostArgsBytes) {
      const oldest = this.ring.at(this.withArgs++);
      if (oldest === undefined) break;
      this.letGo(oldest);
    }
  }

  newestFirst(): Iterable<EndedEntry> {
    return this.ring.newestFirst();
  }

  private letGo(entry: EndedEntry): void {
    if (entry.args === undefined) return;
    this.bytes -= entry.argsBytes;
    entry.args = undefined;
    entry.uuid = detached(entry.uuid);
  }
}

/** A part of a text keeps the whole text in memory: of what is kept without its arguments, a copy. */
export function detached(text: string): string {
  return Buffer.from(text).toString();
}
