import type { Message } from '../../../lib/brokers/broker.js';
import type { Link } from '../link.js';

/** A copy of a message, in a queue or on its way to one. */
export interface Copy {
  /** In the order in which the server got them. */
  readonly id: number;
  readonly message: Message;
  readonly exchange: string;
  readonly routingKey: string;
  redelivered: boolean;
  /** How often it came back, as quorum queues count. */
  returns: number;
}

/** A consumer as the server knows it. */
export interface ServerConsumer {
  readonly link: Link;
  prefetch: number;
  isCancelled: boolean;
  readonly unsettled: Map<number, Copy>;
  deliver(copy: Copy, tag: number): void;
  cancelled(): void;
}

/** One queue: what waits, the oldest first, and who takes it, in turn. */
export class ServerQueue {
  readonly keys = new Set<string>();
  readonly waiting: Copy[] = [];
  readonly consumers: ServerConsumer[] = [];
  /** Somebody walks through it, and holds what was in it. */
  walked: { readonly link: Link; readonly copies: Copy[] } | undefined;
  private tags = 0;

  constructor(readonly name: string, readonly isQuorum: boolean) {}

  /** Everything that is in it, whoever holds it. */
  *all(): Generator<Copy> {
    yield* this.waiting;
    yield* this.walked?.copies ?? [];
    for (const { unsettled } of this.consumers) yield* unsettled.values();
  }

  /** As near to its old place as can be. */
  putBack(copy: Copy): void {
    let at = 0;
    while (at < this.waiting.length && this.waiting[at]!.id < copy.id) at++;
    this.waiting.splice(at, 0, copy);
  }

  pump(): void {
    while (this.waiting.length > 0) {
      const at = this.consumers.findIndex(({ isCancelled, prefetch, unsettled }) => !isCancelled && unsettled.size < prefetch);
      if (at < 0) return;
      const [consumer] = this.consumers.splice(at, 1) as [ServerConsumer];
      this.consumers.push(consumer);
      const copy = this.waiting.shift() as Copy;
      const tag = ++this.tags;
      consumer.unsettled.set(tag, copy);
      consumer.deliver(copy, tag);
    }
  }
}
