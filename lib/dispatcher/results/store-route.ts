import type { ResultRecorder } from '../../results/result-recorder.js';
import type { Task } from '../../task/task.js';
import { clock } from '../../time/clock.js';
import type { ResultRoute } from './result-route.js';

/** Results by way of a store that worker and caller share. */
export class StoreRoute implements ResultRoute {
  readonly onlyAsked = false;

  constructor(readonly reader: ResultRecorder, private readonly warn: (message: string, error: unknown) => void) {}

  ask(): Promise<void> {
    return Promise.resolve();
  }

  /** A note, not worth delaying the caller for. */
  accepted({ uuid, name }: Task): void {
    this.reader.record({ uuid, name }, [{ state: 'published', at: clock.now() }]).catch((error: unknown) => {
      this.warn(`That task ${uuid} is "published" could not be recorded; it goes on`, error);
    });
  }

  refused(): void {
    // Nothing was recorded.
  }

  withdraw(): void {
    // The record expires by itself.
  }

  check(): void {
    // Any process may have published it.
  }

  close(): void {
    // The backend is closed by its owner.
  }
}
