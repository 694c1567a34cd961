import { ShutdownError } from '../../../errors.js';
import type { ResultBackend } from '../../../state/result-backend.js';
import { acquit, decodeRecord, encodeRecord } from './crash-record.js';

/** What waits, or runs, must not be forgotten before it is looked at again, also over a long outage. */
export const EXPIRY = { expiresInMs: 24 * 3_600_000 };
/** Each conflict means that somebody else went on. */
export const MOST_CONFLICTS = 20;

/** A run that is on record. */
export interface HeldRun {
  readonly key: string;
  owner: string;
  /** As the record was last written. */
  bytes: Buffer;
  /** It was left, maybe while the record was still being written. */
  isLeft?: boolean;
}

/**
 * Looks after the records of what runs here, all by one timer, which is there only while there are any: keeps them from
 * expiring, and notices where a run was taken over because its connection was lost. It was no crash then, and says so.
 */
export class HeldRuns {
  private readonly held = new Set<HeldRun>();
  private timer: NodeJS.Timeout | undefined;
  private looking = false;

  constructor(private readonly backend: () => Promise<ResultBackend>, private readonly lookMs: number) {}

  add(run: HeldRun): void {
    this.held.add(run);
    this.timer ??= setInterval(() => void this.lookAtAll(), this.lookMs).unref();
  }

  remove(run: HeldRun): void {
    this.held.delete(run);
    if (this.held.size === 0) this.stop();
  }

  private stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  /** One round at a time: while the backend is away, rounds must not pile up. */
  private async lookAtAll(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      const backend = await this.backend();
      await Promise.all([...this.held].map((run) => this.look(backend, run)));
    } catch (error) {
      // It is tried again at the next beat, and at the latest when the run ends.
      if (error instanceof ShutdownError) this.letGo();
    } finally {
      this.looking = false;
    }
  }

  private async look(backend: ResultBackend, run: HeldRun): Promise<void> {
    if (await backend.replaceIfEqual(run.key, run.bytes, run.bytes, EXPIRY)) return;
    // Another may have struck itself out of it, or an earlier write whose answer was lost may stand there.
    if (await reread(backend, run)) return;
    this.remove(run);
    await takeChargeBack(backend, run);
  }

  private letGo(): void {
    this.held.clear();
    this.stop();
  }
}

/** Whether the record is still this run's; if so, its bytes are known anew. */
export async function reread(backend: ResultBackend, run: HeldRun): Promise<boolean> {
  const found = await backend.get(run.key);
  if (found === undefined || decodeRecord(found)?.owner !== run.owner) return false;
  run.bytes = found;
  return true;
}

/** This process lives: whoever took the run over was not to count it. */
export async function takeChargeBack(backend: ResultBackend, { key, owner }: HeldRun): Promise<void> {
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
    const found = await backend.get(key);
    const record = found && decodeRecord(found);
    const acquitted = record && acquit(record, owner);
    if (found === undefined || acquitted === undefined) return;
    if (await backend.replaceIfEqual(key, found, encodeRecord(acquitted), EXPIRY)) return;
  }
}
