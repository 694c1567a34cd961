import type { ChannelModel } from 'amqplib';
import { CLASSIC } from '../../../amqp/queue-forms.js';
import { BrokerError, BrokerUnavailableError } from '../../../errors.js';
import { withChannel } from '../../../amqp/open-channel.js';
import { clock } from '../../../time/clock.js';
import { queueToken } from '../delays/delay-ladder.js';
import { declarationFailure } from '../topology/declaration-failure.js';

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 100;

/**
 * Lets one walk of a queue go on at a time. Two that give back in turn would reorder a quorum queue,
 * and each would miss what the other holds. Among connections an exclusive queue is the lock: the
 * server frees it when its connection is gone.
 */
export class BrowseLock {
  private readonly here = new Set<string>();

  constructor(private readonly exchange: string) {}

  /** @throws BrokerError when others keep it for longer than `limitMs` */
  async hold<T>(model: ChannelModel, queue: string, limitMs: number, use: () => Promise<T>): Promise<T> {
    const name = browseLockName(this.exchange, queue);
    await this.acquire(model, name, queue, clock.elapsed() + limitMs);
    try {
      return await use();
    } finally {
      await release(model, name);
      this.here.delete(name);
    }
  }

  private async acquire(model: ChannelModel, name: string, queue: string, deadline: number): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      if (await this.tryAcquire(model, name)) return;
      if (clock.elapsed() > deadline) throw busy(queue);
      await clock.sleep(pauseMs);
    }
  }

  /** The server lets one connection declare its own exclusive queue twice: walks of this process are told apart here. */
  private async tryAcquire(model: ChannelModel, name: string): Promise<boolean> {
    if (this.here.has(name)) return false;
    this.here.add(name);
    try {
      await withChannel(model, (channel) => channel.assertQueue(name, { exclusive: true, durable: false, autoDelete: false, arguments: CLASSIC }));
      return true;
    } catch (error) {
      this.here.delete(name);
      if ((error as { code?: unknown }).code === 405) return false;
      throw lockFailure(error, name);
    }
  }
}

/** Named after the exchange, as all that is ours; a queue's name may be too long to stand in it. */
function browseLockName(exchange: string, queue: string): string {
  return `${exchange}.browse.v1.${queueToken(queue)}`;
}

/** When the connection is gone, so is the lock. */
async function release(model: ChannelModel, name: string): Promise<void> {
  await withChannel(model, (channel) => channel.deleteQueue(name)).catch(() => undefined);
}

function lockFailure(error: unknown, name: string): Error {
  if (typeof (error as { code?: unknown }).code === 'number') return declarationFailure(error, `the lock "${name}"`);
  return new BrokerUnavailableError(`The connection was lost before the queue could be browsed: ${(error as Error).message}. Try again once it is back.`, {}, error);
}

function busy(queue: string): BrokerError {
  return new BrokerError('ERR_DISPATCHER_BROWSING',
    `Queue "${queue}" is being browsed by others, and did not become free in time. Try again later.`, { queue }, { retryable: true });
}
