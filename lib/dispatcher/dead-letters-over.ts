import type { Broker } from '../brokers/broker.js';
import { DeadLetterQueues } from '../dead-letters/dead-letter-queues.js';
import { clock } from '../time/clock.js';
import type { RemovedTasks } from '../worker/removed-tasks.js';
import type { Steps } from '../worker/steps/steps.js';
import { Header } from '../task/headers.js';
import { decodeOrderMark } from '../task/order-options.js';
import type { OrderLines } from '../worker/gates/order/order-lines.js';
import type { ClaimCheck } from './claim-check.js';
import type { ResolvedConfig } from './config/resolve-config.js';
import type { TaskFormats } from './task-formats.js';

/** Those of a dispatcher that its dead letters stand on. */
export interface PartsOfDeadLetters {
  readonly broker: Broker;
  readonly config: Pick<ResolvedConfig, 'exchange' | 'maxTaskBytes'>;
  readonly formats: TaskFormats;
  readonly claimCheck: ClaimCheck;
  readonly steps: Steps;
  readonly orders: OrderLines;
  readonly ready: () => Promise<void>;
}

/** @param end of a task that is discarded without having ended */
export function deadLetterQueuesOver({ broker, config: { exchange, maxTaskBytes }, formats, claimCheck, steps, orders, ready }: PartsOfDeadLetters, end: RemovedTasks['end']): DeadLetterQueues {
  return new DeadLetterQueues({
    broker, exchange, format: formats.reading, maxTaskBytes, now: clock.now, ready, fetch: claimCheck.fetch,
    discarded: (message, queue) => {
      const discarding = (): Promise<void> | undefined => steps.forget(message.properties, () => end(message, queue, { how: `was discarded from the dead letters of "${queue}" before it was run.`, state: 'failed' }));
      const mark = decodeOrderMark(message.properties.headers?.[Header.order]);
      // A line that stood still because of it goes on.
      return mark === undefined ? discarding() : leftBehind(discarding, () => orders.leave(mark.key, mark.token, { queue }));
    },
  });
}

async function leftBehind(discarding: () => Promise<void> | undefined, leave: () => Promise<boolean>): Promise<void> {
  await discarding();
  await leave();
}
