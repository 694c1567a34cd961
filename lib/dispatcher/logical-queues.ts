import type { BrowsedMessage, Broker } from '../brokers/broker.js';
import { BrokerError } from '../errors.js';
import { attemptIn } from '../task/headers.js';
import { lineRegisterOf } from '../task/queue-lines.js';
import { waitsSince } from '../task/waited.js';
import { clock } from '../time/clock.js';
import { noteQueues } from '../worker/intake/line-plan.js';
import { LineRegister } from '../worker/intake/line-register.js';

/** Who only looks need not see a new queue at once, and a look at a queue that is not there is an error in the server's log. */
const FRESH_MS = 10_000;
const MOST_KNOWN = 1_000;

/** What is asked of a queue, asked of those beside it too, which carry its levels and its weighted tasks. */
export class LogicalQueues {
  private readonly register: LineRegister;
  private readonly known = new Map<string, { readonly queues: readonly string[]; readonly until: number }>();

  /** @param workers those of this process, which know their queues */
  constructor(private readonly broker: Broker, private readonly workers: () => readonly { readonly queue: string; readonly queues: readonly string[] }[]) {
    this.register = new LineRegister(broker);
  }

  /** How many wait in all of them; `undefined` when there is no such queue. */
  async depth(queue: string): Promise<number | undefined> {
    const own = await this.broker.depth(queue);
    if (own === undefined) return undefined;
    let depth = own;
    for (const other of await this.beside(queue)) depth += (await this.broker.depth(other)) ?? 0;
    return depth;
  }

  /** Since when the oldest of those waits that stand first in them; `undefined` where none does, the broker cannot tell, or a message does not say. */
  async oldestSince(queue: string): Promise<number | undefined> {
    let oldest: number | undefined;
    for (const name of [queue, ...await this.beside(queue)]) {
      const first = await this.broker.first?.(name);
      if (first === undefined) continue;
      const since = waitsSince(attemptIn(first.headers), first);
      if (since === undefined) return undefined;
      oldest = Math.min(oldest ?? since, since);
    }
    return oldest;
  }

  /**
   * @param end ends what is removed, before it is
   * @returns how many there were in all of them
   */
  async purge(queue: string, end: (message: BrowsedMessage, queue: string) => Promise<void> | undefined): Promise<number> {
    let removed = await this.broker.purge(queue, (message) => end(message, queue));
    for (const other of await this.beside(queue)) {
      if (await this.broker.depth(other) !== undefined) removed += await this.broker.purge(other, (message) => end(message, other));
    }
    return removed;
  }

  /** The same with no more than so many of them, the oldest of each queue first. */
  async purgeFirst(queue: string, most: number, end: (message: BrowsedMessage, queue: string) => Promise<void> | undefined): Promise<number> {
    const queues = await this.queuesOf(queue);
    if (!queues.includes(queue)) throw new BrokerError('ERR_DISPATCHER_NOT_FOUND', `There is no queue "${queue}".`, { queue });
    let removed = 0;
    for (const name of queues) {
      if (removed >= most) break;
      await this.broker.browse(name, async (message) => {
        if (removed >= most) return 'stop';
        await end(message, name);
        removed++;
        return 'remove';
      });
    }
    return removed;
  }

  /** Its own and those beside it, those that are there. */
  async queuesOf(queue: string): Promise<readonly string[]> {
    const there: string[] = [];
    for (const name of [queue, ...await this.beside(queue)]) if (await this.broker.depth(name) !== undefined) there.push(name);
    return there;
  }

  private async beside(queue: string): Promise<readonly string[]> {
    const own = this.workers().filter((worker) => worker.queue === queue);
    if (own.length > 0) return [...new Set(own.flatMap(({ queues }) => queues))].filter((name) => name !== queue);
    const known = this.known.get(queue);
    if (known !== undefined && known.until > clock.elapsed()) return known.queues;
    const queues = isRegister(queue) ? [] : noteQueues(queue, await this.register.read(queue));
    if (this.known.size >= MOST_KNOWN) this.known.clear();
    this.known.set(queue, { queues, until: clock.elapsed() + FRESH_MS });
    return queues;
  }
}

function isRegister(queue: string): boolean {
  return queue.endsWith(lineRegisterOf('')) || queue.endsWith('.dead');
}
