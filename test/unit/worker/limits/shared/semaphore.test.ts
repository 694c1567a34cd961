import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DispatcherEvent } from '../../../../../lib/events/dispatcher-event.js';
import { SharedLimits } from '../../../../../lib/worker/limits/shared/shared-limits.js';
import { FakeBackend } from './fake-backend.js';
import { itemAt } from '../../../../support/present.js';

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

const after = (ms: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, ms); });

class Scene {
  readonly backend = new FakeBackend();
  readonly events: DispatcherEvent[] = [];
  running = 0;
  most = 0;
  done = 0;

  process(): SharedLimits {
    return new SharedLimits('exchange', () => Promise.resolve(this.backend.port), 30_000, (event) => this.events.push(event));
  }

  rolls(): string[] {
    return [...this.backend.entries].filter(([key, { expiresAt }]) => !key.includes(':by:') && expiresAt > performance.now()).map(([, { value }]) => value.toString());
  }

  async task(limits: SharedLimits, global: number, runMs: () => number, key?: string): Promise<void> {
    for (;;) {
      const entered = await limits.enter('task', key === undefined ? { global } : { perKey: { key: () => key, global } }, key).catch(() => undefined);
      if (entered?.entered === true) {
        this.most = Math.max(this.most, ++this.running);
        await after(runMs());
        this.running--;
        this.done++;
        entered.leave(1);
        return;
      }
      await after(entered === undefined ? 100 : Math.min(entered.delayMs, 300));
    }
  }
}

describe('places over all processes', () => {
  it.each([1, 3, 10, 2_000])('are never more than %i, and all get theirs, on a backend that fails now and then', async (size) => {
    const scene = new Scene();
    scene.backend.latencyMs = () => Math.random() * 20;
    scene.backend.fault = () => (Math.random() < 0.05 ? (Math.random() < 0.5 ? 'before' : 'after') : undefined);
    const processes = [scene.process(), scene.process(), scene.process()];
    for (let index = 0; index < 150; index++) void scene.task(itemAt(processes, index % 3), size, () => Math.random() * 50);
    for (let second = 0; second < 600 && scene.done < 150; second++) await vi.advanceTimersByTimeAsync(1_000);
    expect(scene.done).toBe(150);
    expect(scene.most).toBeLessThanOrEqual(size);
    scene.backend.fault = () => undefined;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(scene.rolls()).toEqual([]);
    await Promise.all([Promise.all(processes.map((limits) => limits.close(1_000))), vi.advanceTimersByTimeAsync(2_000)]);
  });

  it('cost a few operations for each round, not for each task', async () => {
    const scene = new Scene();
    scene.backend.latencyMs = () => 2;
    const limits = scene.process();
    for (let index = 0; index < 500; index++) void scene.task(limits, 1_000, () => 10);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(scene.done).toBe(500);
    expect(scene.backend.operations).toBeLessThan(20);
    await Promise.all([limits.close(1_000), vi.advanceTimersByTimeAsync(1_000)]);
  });

  it('are asked for at most ten times a second by a process that knows that all are taken', async () => {
    const scene = new Scene();
    const limits = scene.process();
    void scene.task(limits, 1, () => 60_000);
    await vi.advanceTimersByTimeAsync(10);
    scene.backend.operations = 0;
    let refused = 0;
    for (let round = 0; round < 1_000; round++) {
      for (let index = 0; index < 10; index++) void limits.enter('task', { global: 1 }, undefined).then(({ entered }) => { if (!entered) refused++; });
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(refused).toBe(10_000);
    expect(scene.backend.operations).toBeLessThanOrEqual(12);
    await Promise.all([limits.close(100), vi.advanceTimersByTimeAsync(1_000)]);
  });

  it('of a process that is dead are free when its lease has ended', async () => {
    const scene = new Scene();
    const [dead, alive] = [scene.process(), scene.process()];
    void scene.task(dead, 2, () => 3_600_000);
    void scene.task(dead, 2, () => 3_600_000);
    await vi.advanceTimersByTimeAsync(10);
    dead.lease.stop();
    const tried = scene.task(alive, 2, () => 1);
    await vi.advanceTimersByTimeAsync(25_000);
    expect(scene.done).toBe(0);
    await vi.advanceTimersByTimeAsync(15_000);
    await tried;
    expect(scene.done).toBe(1);
    await Promise.all([dead.close(100), alive.close(100), vi.advanceTimersByTimeAsync(1_000)]);
  });

  it('stay with a process that lives, however long its tasks run', async () => {
    const scene = new Scene();
    const [holder, other] = [scene.process(), scene.process()];
    void scene.task(holder, 1, () => 3 * 3_600_000);
    await vi.advanceTimersByTimeAsync(10);
    void scene.task(other, 1, () => 1);
    await vi.advanceTimersByTimeAsync(2.5 * 3_600_000);
    expect(scene.done).toBe(0);
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(scene.done).toBe(2);
    await Promise.all([holder.close(100), other.close(100), vi.advanceTimersByTimeAsync(1_000)]);
  });

  it('that were lost for want of a renewal are reported, and claimed again', async () => {
    const scene = new Scene();
    const [holder, other] = [scene.process(), scene.process()];
    void scene.task(holder, 1, () => 300_000);
    await vi.advanceTimersByTimeAsync(10);
    scene.backend.fault = () => 'before';
    await vi.advanceTimersByTimeAsync(45_000);
    expect(scene.events.filter(({ type }) => type === 'limits.lease-lost')).toEqual([{ type: 'limits.lease-lost', held: 1, error: expect.any(Error) as Error }]);
    scene.backend.fault = () => undefined;
    await vi.advanceTimersByTimeAsync(15_000);
    void scene.task(other, 1, () => 1);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(scene.done).toBe(0);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(scene.done).toBe(2);
    await Promise.all([holder.close(100), other.close(100), vi.advanceTimersByTimeAsync(1_000)]);
  });

  it('are free at once after a process has closed in order, and leave nothing behind', async () => {
    const scene = new Scene();
    const limits = scene.process();
    await Promise.all([scene.task(limits, 5, () => 5), vi.advanceTimersByTimeAsync(10)]);
    await Promise.all([limits.close(1_000), vi.advanceTimersByTimeAsync(100)]);
    expect([...scene.backend.entries.keys()]).toEqual([]);
    await expect(limits.enter('task', { global: 5 }, undefined)).rejects.toThrow('closing');
  });

  it('are not waited for while the backend is away', async () => {
    const scene = new Scene();
    scene.backend.state.status = 'lost';
    await expect(scene.process().enter('task', { global: 1 }, undefined)).rejects.toThrow('its state is "lost"');
    expect(scene.backend.operations).toBe(0);
  });

  it('of each key are apart', async () => {
    const scene = new Scene();
    const limits = scene.process();
    for (const key of ['a', 'a', 'b', 'b', 'c']) void scene.task(limits, 1, () => 1_000, key);
    await vi.advanceTimersByTimeAsync(50);
    expect(scene.running).toBe(3);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(scene.done).toBe(5);
    await Promise.all([limits.close(100), vi.advanceTimersByTimeAsync(1_000)]);
  });
});
