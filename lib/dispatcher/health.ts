import type { BrokerState } from '../brokers/broker.js';
import type { Pause, PauseKind } from '../control/pause.js';

/** What `DispatcherService.health()` answers. @publicApi */
export interface DispatcherHealth {
  /**
   * `up`: all well. `degraded`: it works on, or will by itself: a reconnect is under way, the broker takes no
   * tasks for now, a queue is not consumed. `down`: nothing travels; the reconnect takes longer than a publish
   * waits, or was given up, or the dispatcher is not started or closed.
   */
  readonly status: 'up' | 'degraded' | 'down';
  readonly details: {
    readonly connection: BrokerState['status'];
    /** Since when, ISO 8601. */
    readonly since: string;
    /** Why, where the connection is not in order. */
    readonly cause?: string;
    readonly workers: readonly { readonly name: string; readonly queue: string; readonly consuming: boolean }[];
    /** Queues whose consumer was lost and is being brought back. */
    readonly lostConsumers: readonly string[];
    /** What somebody has paused, as this process knows it. That is wanted, and degrades nothing. `since`: ISO 8601. */
    readonly paused: readonly { readonly kind: PauseKind; readonly name: string; readonly by: string; readonly reason: string; readonly since: string }[];
  };
}

export interface HealthFacts {
  readonly state: BrokerState;
  readonly workers: DispatcherHealth['details']['workers'];
  readonly lostConsumers: readonly string[];
  readonly paused: readonly Pause[];
  /** How long a publish bridges an absence of the broker. */
  readonly publishTimeoutMs: number;
  /** For how long the broker has been in this state, in milliseconds; not told by its `since`, which is by a clock that may be set. */
  readonly sinceMs: number;
}

/** Pure: the time is an argument. */
export function healthOf({ state, workers, lostConsumers, paused, publishTimeoutMs, sinceMs }: HealthFacts): DispatcherHealth {
  const details = {
    connection: state.status, since: new Date(state.since).toISOString(), workers, lostConsumers,
    paused: paused.map(({ kind, name, by, reason, since }) => ({ kind, name, by, reason, since: since.toISOString() })),
    ...(state.cause === undefined ? {} : { cause: state.cause.message }),
  };
  return { status: statusOf(state, lostConsumers, sinceMs > publishTimeoutMs), details };
}

function statusOf({ status }: BrokerState, lostConsumers: readonly string[], tooLong: boolean): DispatcherHealth['status'] {
  switch (status) {
    case 'ready': return lostConsumers.length > 0 ? 'degraded' : 'up';
    case 'blocked': return 'degraded';
    case 'connecting': case 'lost': return tooLong ? 'down' : 'degraded';
    default: return 'down';
  }
}
