import { describe, expect, it, vi } from 'vitest';
import { MemoryStore } from '../../../../lib/state/embedded/memory-store.js';
import { SupervisedResultBackend } from '../../../../lib/state/supervised/supervised-result-backend.js';
import { onTestFinished } from '../../../support/test-end.js';

/** A store whose connection is lost, and that then says nothing any more. */
class FallingSilent extends MemoryStore {
  lose = (): void => undefined;
  private connects = 0;

  override connect(listener: Parameters<MemoryStore['connect']>[0]): Promise<void> {
    this.lose = () => listener.lost(Object.assign(new Error('gone'), { code: '', fields: {}, retryable: true }));
    return ++this.connects === 1 ? super.connect(listener) : new Promise(() => undefined);
  }

  override ping(): Promise<void> {
    return new Promise(() => undefined);
  }
}

describe('a result backend that is closed while its store says nothing', () => {
  // Found by the simulation (seed 9): the process lived on for as long as an operation may take.
  it('leaves no timer behind, neither of connecting again nor of asking whether the connection works', async () => {
    vi.useFakeTimers();
    onTestFinished(() => { vi.useRealTimers(); });
    const store = new FallingSilent();
    const backend = new SupervisedResultBackend(store, { heartbeatMs: 1_000, reconnectMinMs: 1 });
    await backend.connect();
    await vi.advanceTimersByTimeAsync(1_000);
    store.lose();
    await vi.advanceTimersByTimeAsync(10);
    const closed = backend.close(100);
    await vi.advanceTimersByTimeAsync(200);
    await closed;
    expect(vi.getTimerCount()).toBe(0);
  });
});
