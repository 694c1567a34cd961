import type { Clock } from '../../store/clock.js';
import type { StoreListener } from '../message-store.js';

/** How long messages are left to the consumers of other processes whose turn it is. */
const OTHERS_TURN_MS = 20;

/** The queues that consumers of this process wait for, by number, and who is told that there may be something in one. */
export class AwaitedQueues {
  private readonly queues = new Map<number, string>();
  private readonly othersTurn = new Set<string>();

  constructor(private readonly clock: Clock, private readonly listener: Pick<StoreListener, 'ready'>) {}

  setConsumers(queueId: number, queue: string, consumers: number): void {
    if (consumers === 0) this.queues.delete(queueId);
    else this.queues.set(queueId, queue);
  }

  /** Of these; others have nobody here. */
  wake(queueIds: Iterable<number>): void {
    for (const queueId of queueIds) {
      const queue = this.queues.get(queueId);
      if (queue !== undefined) this.listener.ready(queue);
    }
  }

  wakeAll(): void {
    for (const queue of this.queues.values()) this.listener.ready(queue);
  }

  /** It is another process' turn: if that one does not take what is there, it is looked at again here. */
  lookAgain(queue: string): void {
    if (this.othersTurn.has(queue)) return;
    this.othersTurn.add(queue);
    this.clock.after(OTHERS_TURN_MS, () => {
      this.othersTurn.delete(queue);
      this.listener.ready(queue);
    });
  }
}
