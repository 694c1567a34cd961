import { uniqueName } from '../../support/shared-rabbitmq.js';
import type { AppConfig } from './protocol.js';

/** The configurations of the processes that share one queue. */
export interface Plan {
  readonly exchange: string;
  readonly queue: string;
  readonly publisher: AppConfig;
  worker(name: string, limit?: number): AppConfig;
  /** Books the dead letters of tasks that fail. */
  readonly deadLetterReader: AppConfig;
}

/** A queue of its own; the publisher knows it too, so that it does not matter who starts first. */
export function plan(broker: string, purpose: string, common: Partial<AppConfig> = {}): Plan {
  const exchange = uniqueName(purpose);
  const queue = `${exchange}.q`;
  const base: AppConfig = { broker, exchange, defaultRoutingKey: 'key', reconnectionIntervalSeconds: 0.2, ...common };
  return {
    exchange, queue,
    publisher: { ...base, role: 'publisher', initQueues: [{ name: queue, bindingKeys: ['key'] }] },
    worker: (name, limit = 20) => ({ ...base, workers: [{ name, queue, limit, bindingKeys: ['key'] }] }),
    deadLetterReader: { ...base, workers: [{ name: 'reader', queue: `${queue}.dead`, tasks: ['fails'] }] },
  };
}
