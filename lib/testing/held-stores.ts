import type { Message } from '../brokers/broker.js';
import type { HeldStore, KeptMessage } from './held-store.js';

/** A message that waits to be run, and where. */
export interface FoundMessage extends KeptMessage {
  readonly store: HeldStore;
}

/** The messages of all brokers under test: one store for each that the applications name. */
export class HeldStores {
  private readonly stores = new Set<HeldStore>();

  get size(): number {
    return this.stores.size;
  }

  get changes(): number {
    return [...this.stores].reduce((sum, { changes }) => sum + changes, 0);
  }

  add(store: HeldStore): void {
    this.stores.add(store);
  }

  /** What waits in queues that somebody consumes, in the order in which it came. */
  kept(): FoundMessage[] {
    return [...this.stores].flatMap((store) => store.kept().map((message) => ({ ...message, store }))).sort((a, b) => a.order - b.order);
  }

  /** When the next delayed one is due, in milliseconds since 1970; `undefined` where none is delayed. */
  async nextDue(): Promise<number | undefined> {
    const times = await Promise.all([...this.stores].map((store) => store.dueTimes(1)));
    return times.flat().sort((a, b) => a - b)[0];
  }

  setDown(isDown: boolean): void {
    for (const store of this.stores) {
      store.isDown = isDown;
      if (isDown) store.takeBack();
      else store.wakeAll();
    }
  }

  /** True: a worker had it in its hands. */
  takeBack(uuid: string): boolean {
    return [...this.stores].some((store) => store.takeBack(({ properties }) => properties.messageId === uuid) > 0);
  }

  /** A message that was settled for good, and where. */
  lastOf(uuid: string): { readonly store: HeldStore; readonly queue: string; readonly message: Message } | undefined {
    for (const store of this.stores) {
      const last = store.lastOf(uuid);
      if (last !== undefined) return { store, ...last };
    }
    return undefined;
  }

  wakeAll(): void {
    for (const store of this.stores) store.wakeAll();
  }
}
