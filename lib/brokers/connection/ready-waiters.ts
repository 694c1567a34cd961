import { Timer } from '../../time/timer.js';

interface Waiter<C> {
  resolve(model: C): void;
  reject(error: Error): void;
  timer: Timer | undefined;
}

/** Those who wait for a connection, each with a limit of its own. */
export class ReadyWaiters<C> {
  private readonly waiters = new Set<Waiter<C>>();

  wait(limitMs: number | undefined, timeUp: () => Error): Promise<C> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter<C> = { resolve, reject, timer: undefined };
      if (limitMs !== undefined) {
        waiter.timer = new Timer(limitMs, () => {
          this.waiters.delete(waiter);
          reject(timeUp());
        });
      }
      this.waiters.add(waiter);
    });
  }

  resolve(model: C): void {
    this.settle((waiter) => waiter.resolve(model));
  }

  reject(error: Error): void {
    this.settle((waiter) => waiter.reject(error));
  }

  private settle(action: (waiter: Waiter<C>) => void): void {
    const all = [...this.waiters];
    this.waiters.clear();
    for (const waiter of all) {
      waiter.timer?.cancel();
      action(waiter);
    }
  }
}
