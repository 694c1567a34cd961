import type { DispatcherError } from '../../errors.js';
import type { MessageStore } from './message-store.js';
import type { BeforeUndelivered } from '../broker.js';
import { QueueDispatch } from '../store/queue-dispatch.js';
import type { Teller } from '../store/undeliverable.js';

/** What a broker hears of the store that it uses. */
export interface StoreObserver {
  trouble(error: DispatcherError | undefined): void;
  warning(message: string): void;
  readonly exchange: string;
  /** See `Broker.beforeUndelivered`. */
  readonly tellUndelivered: BeforeUndelivered | undefined;
}

/**
 * A store, and the queues' dispatch in this process. Brokers of one process that meet on a store
 * share this, so that their consumers take turns and the folder is opened once.
 */
export class StoreHub {
  private readonly dispatches = new Map<string, QueueDispatch>();
  private readonly observers = new Set<StoreObserver>();
  private readonly opened: Promise<void>;

  constructor(
    readonly store: MessageStore,
    private readonly forget: (closed: Promise<void>) => void,
    after: Promise<void>,
  ) {
    const listener = {
      ready: (queue: string) => this.dispatches.get(queue)?.wake(),
      trouble: (error: DispatcherError | undefined) => {
        for (const observer of this.observers) observer.trouble(error);
      },
      warning: (message: string) => {
        for (const observer of this.observers) observer.warning(message);
      },
      tellerOf: (exchange: string) => this.tellerOf(exchange),
    };
    this.opened = after.then(() => store.open(listener));
    // Whoever joins hears of it.
    this.opened.catch(() => undefined);
  }

  async join(observer: StoreObserver): Promise<void> {
    this.observers.add(observer);
    try {
      await this.opened;
    } catch (error) {
      this.observers.delete(observer);
      this.forget(Promise.resolve());
      throw error;
    }
  }

  /** The last one to leave closes the store. */
  async leave(observer: StoreObserver): Promise<void> {
    if (!this.observers.delete(observer) || this.observers.size > 0) return;
    const closed = this.opened.then(() => this.store.close(), () => undefined);
    this.forget(closed);
    await closed;
  }

  private tellerOf(exchange: string): Teller {
    const users = [...this.observers].filter((observer) => observer.exchange === exchange);
    if (users.length === 0) return 'others';
    return users.find(({ tellUndelivered }) => tellUndelivered !== undefined)?.tellUndelivered ?? 'nobody';
  }

  dispatch(queue: string): QueueDispatch {
    let dispatch = this.dispatches.get(queue);
    if (dispatch === undefined) this.dispatches.set(queue, (dispatch = new QueueDispatch(queue, this.store)));
    return dispatch;
  }
}

/**
 * Stores that several brokers of this process use, by what they were asked for: a name or a folder.
 * Only what is asked for by name or folder is here: two apps with plain `embedded:` do not meet.
 */
const hubs = new Map<string, StoreHub>();
/** A store is opened again only after it was closed. */
const closings = new Map<string, Promise<void>>();

export function sharedHub(key: string, makeStore: () => MessageStore): StoreHub {
  const existing = hubs.get(key);
  if (existing !== undefined) return existing;
  const hub: StoreHub = new StoreHub(makeStore(), (closed) => forget(key, hub, closed), closings.get(key) ?? Promise.resolve());
  hubs.set(key, hub);
  return hub;
}

function forget(key: string, hub: StoreHub, closed: Promise<void>): void {
  if (hubs.get(key) !== hub) return;
  hubs.delete(key);
  const done = closed.catch(() => undefined).then(() => {
    if (closings.get(key) === done) closings.delete(key);
  });
  closings.set(key, done);
}

export function privateHub(store: MessageStore): StoreHub {
  return new StoreHub(store, () => undefined, Promise.resolve());
}
