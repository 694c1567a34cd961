import { DispatcherError } from '../../errors.js';
import { clock } from '../../time/clock.js';
import type { FoundLine, OrderLines } from '../../worker/gates/order/order-lines.js';
import type { OrderedTask } from '../../worker/gates/order/ordered-task.js';
import { ByKey, type WaitingItem } from './by-key.js';

/** Longer than a publish can take. */
const PUBLISHING_MARGIN_MS = 30_000;
/** Who has to send the head, and has not for so long, is not waited for any more. */
const STUCK_MS = 5_000;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;

type Waiting = WaitingItem<OrderedTask, void>;

/**
 * Has tasks stand in line. A task is accepted once it stands there and the broker has the head of its line: from then on
 * whoever ends one sends the next. Those that one process publishes under a key at the same time are put into line together,
 * in the order of the calls.
 */
export class OrderPublisher {
  private readonly queued = new ByKey<OrderedTask, void>((key, waiting) => this.together(key, waiting));
  private readonly publishingMs: number;

  /** @param claimed told of each that stands in line */
  constructor(private readonly lines: OrderLines, publishTimeoutMs: number, private readonly claimed: (key: string, task: OrderedTask) => void = () => undefined) {
    this.publishingMs = publishTimeoutMs + PUBLISHING_MARGIN_MS;
  }

  /** @throws what the broker throws for one that was to be sent at once, or the shared state */
  send(key: string, task: OrderedTask): Promise<void> {
    return this.queued.add(key, task);
  }

  /** Never rejects. */
  private async together(key: string, waiting: readonly Waiting[]): Promise<void> {
    const rejected = new Set<string>();
    try {
      const line = await this.lines.append(key, waiting.map(({ item }) => item));
      if (!line.isSent) await this.untilSent(key, new Map(waiting.map((one) => [one.item.token, one])), rejected);
      for (const { item: task, resolve } of waiting) {
        if (rejected.has(task.token)) continue;
        this.claimed(key, task);
        resolve();
      }
    } catch (error) {
      for (const { item: task, reject } of waiting) if (!rejected.has(task.token)) reject(error);
    }
  }

  /** The head may be another's, who is sending it; or one of these. One that cannot be sent leaves the line, and is told so. */
  private async untilSent(key: string, mine: ReadonlyMap<string, Waiting>, rejected: Set<string>): Promise<void> {
    const deadline = clock.elapsed() + 2 * this.publishingMs;
    let seen: { head: string; since: number } | undefined;
    for (let pauseMs = FIRST_PAUSE_MS; clock.elapsed() < deadline; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const found = await this.lines.find(key);
      if (found === undefined || found.line.isSent) return;
      const { head } = found.line;
      if (seen?.head !== head) seen = { head, since: clock.elapsed() };
      const own = mine.get(head);
      if (own !== undefined) await this.sendOwn(key, found, own, rejected);
      else if (clock.elapsed() - seen.since >= STUCK_MS) return this.lines.send(key, found);
      else await clock.sleep(pauseMs * (0.5 + clock.random()));
    }
    throw undecided(key);
  }

  private async sendOwn(key: string, found: FoundLine, { item: task, reject }: Waiting, rejected: Set<string>): Promise<void> {
    try {
      await this.lines.send(key, found);
    } catch (error) {
      rejected.add(task.token);
      reject(error);
      await this.lines.drop(key, task.token);
    }
  }
}

function undecided(key: string): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_ORDER_UNDECIDED',
    `What was published into the line "${key}" may run or not: its head could not be sent, neither by whoever put it there nor from here. Publish again under the same uuid.`, { key }, { retryable: true });
}
