import { ShutdownError } from '../../errors.js';
import type { StateBackend } from '../../state/state-backend.js';
import { clock, type ClockTimer } from '../../time/clock.js';

/** What is on record of a task that runs here: that it does, under whose name. */
export interface HeldRecord {
  readonly key: string;
  owner: string;
  /** As it was last written. */
  bytes: Buffer;
  /** Its run was left, maybe while it was still being written. */
  isLeft?: boolean;
}

/** Looks after the records of what runs here, all by one timer, which is there only while there are any. */
export class HeldRecords<Held extends HeldRecord> {
  private readonly held = new Set<Held>();
  private timer: ClockTimer | undefined;
  private looking = false;

  /** @param keep keeps one from expiring; false where it is its own no longer, and not looked after any more */
  constructor(
    private readonly backend: () => Promise<StateBackend>, private readonly everyMs: number,
    private readonly keep: (backend: StateBackend, record: Held) => Promise<boolean>,
  ) {}

  add(record: Held): void {
    this.held.add(record);
    this.timer ??= clock.setInterval(() => void this.keepAll(), this.everyMs).unref();
  }

  remove(record: Held): void {
    this.held.delete(record);
    if (this.held.size === 0) this.stop();
  }

  private stop(): void {
    clock.clear(this.timer);
    this.timer = undefined;
  }

  /** One round at a time: while the backend is away, rounds must not pile up. */
  private async keepAll(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      const backend = await this.backend();
      await Promise.all([...this.held].map(async (record) => {
        if (!await this.keep(backend, record)) this.remove(record);
      }));
    } catch (error) {
      // It is tried again at the next beat; what others have done meanwhile is found out at the latest when the run ends.
      if (error instanceof ShutdownError) this.letGo();
    } finally {
      this.looking = false;
    }
  }

  private letGo(): void {
    this.held.clear();
    this.stop();
  }
}

/**
 * Whose record stands there, after a write in vain. Its own may: written by others, or by an earlier write whose answer
 * was lost. Then its bytes are known anew.
 */
export async function reread(backend: StateBackend, record: HeldRecord, ownerOf: (bytes: Buffer) => string | undefined): Promise<'own' | 'another' | 'none'> {
  const found = await backend.get(record.key);
  if (found === undefined) return 'none';
  if (ownerOf(found) !== record.owner) return 'another';
  record.bytes = found;
  return 'own';
}
