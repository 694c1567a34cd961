import type { Broker } from '../../brokers/broker.js';
import { ConfigurationError } from '../../errors.js';
import { display } from '../../task/argument-types.js';

/** What a broker of your own is made for. @publicApi */
export interface BrokerSettings {
  /** The main exchange: what it is called where the broker has such a thing. */
  readonly exchange: string;
  /** The name of the dispatcher, for whoever looks at connections. */
  readonly dispatcher: string;
  /** How long `publish` may wait, in milliseconds, a reconnect included (`publishTimeoutSeconds`). */
  readonly publishTimeoutMs: number;
  /** A process that is silent for so long, in milliseconds, is thought to be dead (`takeoverSeconds`). */
  readonly takeoverMs: number;
  /** How often a lost connection is made again, and after which pause, in milliseconds; without one it grows. */
  readonly reconnection: { readonly retries: number | 'forever'; readonly intervalMs?: number };
}

/** A broker of your own: one that was made for this dispatcher alone, or how one is made. @publicApi */
export type OwnBroker = Broker | ((settings: BrokerSettings) => Broker);

/** In place of a URL: no broker has this scheme. */
export const OWN_BROKER = 'own:';

const OPERATIONS: readonly (keyof Broker)[] = [
  'connect', 'declare', 'publish', 'consume', 'depth', 'delayedCount', 'delayedWithin', 'browse', 'purge', 'beforeUndelivered', 'signal', 'watchSignals', 'broadcast', 'watchBroadcasts', 'close',
];
const STREAMS = ['states', 'events'] as const;

/**
 * `undefined`: it is none of your own.
 *
 * @throws ConfigurationError where something stands in its place that is no broker, or nothing keeps what processes remember together
 */
export function checkOwnBroker(broker: unknown, resultBackend: unknown): OwnBroker | undefined {
  if (broker === undefined || broker === null || typeof broker === 'string' || (typeof broker !== 'function' && typeof broker !== 'object')) return undefined;
  if (resultBackend === undefined) {
    throw new ConfigurationError(
      'A broker of your own carries tasks and remembers nothing else: say in resultBackend where results, limits, unique keys, schedules and workflows are kept, '
      + "such as 'redis://localhost:6379/0', 'embedded:./folder', or a StateBackend of your own.", { option: 'resultBackend' });
  }
  return typeof broker === 'function' ? broker as OwnBroker : requireBroker(broker);
}

/** @throws ConfigurationError that says what it lacks */
export function makeOwnBroker(broker: OwnBroker, settings: BrokerSettings): Broker {
  return typeof broker === 'function' ? requireBroker(broker(settings)) : broker;
}

function requireBroker(broker: unknown): Broker {
  const found = (typeof broker === 'object' && broker !== null ? broker : {}) as Partial<Record<keyof Broker, unknown>>;
  const missing = [...OPERATIONS.filter((name) => typeof found[name] !== 'function'), ...STREAMS.filter((name) => typeof (found[name] as { subscribe?: unknown } | undefined)?.subscribe !== 'function')];
  if (missing.length === 0) return broker as Broker;
  throw new ConfigurationError(`broker must be a URL, a Broker of your own, or a function that makes one; found ${display(broker)}, which lacks ${missing.join(', ')}.`, { option: 'broker' });
}
