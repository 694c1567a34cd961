import type { Observable } from 'rxjs';
import type { DispatcherError } from '../errors.js';
import type { TaskHeaders } from '../task/task.js';

/**
 * The port that every broker adapter implements, and a broker of your own: `broker` of the configuration takes one. One
 * contract suite, `brokerContract` of `nestjs-dispatcher/contract-suites`, holds all of them to what is written here; where a
 * comment says "must", a test of that suite says it too.
 *
 * An adapter carries bytes: it knows nothing of tasks, handlers, retries or reasons. What is marked with a question mark it
 * may lack; the comment says what is then missing.
 *
 * @publicApi
 */
export interface Broker {
  /** Where the connection stands now. */
  readonly state: BrokerState;
  /** The current state on subscription, then each change. Completes when closed. */
  readonly states: Observable<BrokerState>;
  /** What happens on the way, for logs and metrics. Hot; no replay. Completes when closed. */
  readonly events: Observable<BrokerEvent>;

  /**
   * Connects, and from then on keeps the connection as configured.
   * @throws BrokerRefusedError at once when the broker says no (credentials, virtual host, certificate)
   * @throws BrokerUnavailableError when it cannot be reached within the configured limits
   */
  connect(): Promise<void>;

  /**
   * Makes sure that these queues and bindings exist, now and after every reconnect. Idempotent.
   * @throws TopologyMismatchError when one exists with other properties
   */
  declare(topology: Topology): Promise<void>;

  /**
   * Resolves once the broker has taken responsibility for the message: it will survive a crash of
   * either side. While disconnected, waits within the configured bounds.
   * @throws UnroutableTaskError when no queue takes it
   * @throws TaskRejectedError, PublishTimeoutError, PublishBufferFullError, BrokerUnavailableError, ShutdownError
   */
  publish(message: Message, address: Address, options?: PublishOptions): Promise<void>;

  /**
   * Calls `onDelivery` for each message of the queue until stopped, across reconnects; at most
   * `prefetch` are unsettled at a time. `onDelivery` may throw: the adapter must survive it
   * and report it as an event.
   */
  consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Promise<Consumption>;

  /**
   * How many messages wait in the queue, delayed and unsettled ones not counted.
   * Resolves to `undefined` when there is no such queue.
   */
  depth(queue: string): Promise<number | undefined>;

  /**
   * What the message says of itself that stands first in the queue, where it stays: it is not taken, and nobody is kept
   * from taking it. Resolves to `undefined` where none waits, or where it cannot be known of this queue. Absent where a broker
   * shows a message only by handing it out, as RabbitMQ does: `QueueInfo.oldestWaitMs` is not known then.
   */
  first?(queue: string): Promise<MessageProperties | undefined>;

  /**
   * How many messages wait out a delay, for whatever queue. On RabbitMQ those of this exchange; on an
   * embedded broker those of its folder or memory. One that is due, and on its way to its queue, may be in no count for a
   * moment; on RabbitMQ, neither is what is due within three seconds and in the hands of another process.
   *
   * @param certain none is told only where none is on its way either, nor in anybody's hands. Takes some four seconds then on
   *   RabbitMQ
   */
  delayedCount(certain?: boolean): Promise<number>;

  /**
   * The same ones, by how long they wait at most: for each bound, in milliseconds and ascending, how many are certain to
   * be due within it and not within the one before; and as the last number how many are not. On RabbitMQ, which shows
   * only in which slot of time a message is due, one may be due in less than its bound. An embedded broker looks at the earliest
   * 10,000, and counts the others as the last.
   */
  delayedWithin(boundsMs: readonly number[]): Promise<number[]>;

  /**
   * Walks through the messages that wait in the queue when it begins, oldest first, and asks of each
   * what is to become of it. While it walks it holds what it has seen, so that nobody else gets it;
   * whatever is not removed is given back to its old place when it ends, however it ends. Nothing is
   * lost, reordered or duplicated by it. A crash gives everything back too.
   *
   * One walk of a queue at a time, among all processes: the next one waits for its turn, within limits.
   * Consumers of the queue go on; what they hold is not seen. Meant for queues that nobody consumes. A
   * quorum queue counts each walk as a delivery: what came back a few times is published anew instead, in its order;
   * what others add meanwhile may then stand among it, and a crash may leave one twice.
   *
   * @returns once what was kept is back and what was removed is gone for good
   * @throws BrokerError with the code ERR_DISPATCHER_NOT_FOUND when there is no such queue, and with
   *   ERR_DISPATCHER_BROWSING when others walk through it for too long; BrokerUnavailableError when the
   *   connection is lost on the way: what was removed last may then be there again; or what `visit` threw
   */
  browse(queue: string, visit: BrowseVisit, options?: BrowseOptions): Promise<BrowseResult>;

  /**
   * Removes all messages that wait in the queue, delayed and unsettled ones not included.
   *
   * @param beforeRemoval asked of each, in bounded batches. What it waits for comes first, then the removal: whatever
   *   dies in between, the message is still there. Where it rejects, that message and all that is not removed yet stay,
   *   and so does the call. Of what is published meanwhile some may be removed in place of what consumers took.
   * @returns how many there were
   * @throws BrokerError with the code ERR_DISPATCHER_NOT_FOUND when there is no such queue, and with
   *   ERR_DISPATCHER_BROWSING when others walk through it for too long; or what `beforeRemoval` rejected with
   */
  purge(queue: string, beforeRemoval?: BeforeRemoval): Promise<number>;

  /**
   * Sets what is asked of each message that was delayed and that no queue takes now, by whichever process finds that out,
   * before it is put into `<exchange>.undelivered`. To be called once, before {@link connect}.
   *
   * What it waits for comes first, then the message is put there: whatever dies in between, another process begins
   * anew, so it must stand being repeated. Where it rejects, the message goes on waiting, in nobody's way and delayed
   * as it was, and is tried again after a pause (from a second to a minute on RabbitMQ, of 5 s on an embedded
   * broker): should a queue take it by then, it is delivered. Without this, the message is put there at once.
   * An embedded broker leaves messages of an exchange that nobody in its process uses to a process of theirs.
   */
  beforeUndelivered(tell: BeforeUndelivered): void;

  /** Tells everybody who watches, in every process on this exchange, this one included. Nothing is kept: who is away misses it. */
  signal(): Promise<void>;

  /**
   * Calls `onSignal` after each {@link signal}, and whenever one may have been missed (a reconnect). Several may become
   * one. On an embedded broker within a second.
   */
  watchSignals(onSignal: () => void): Promise<SignalSubscription>;

  /**
   * Tells those who watch this topic now, in every process on this exchange, this one included: at most once, nothing is
   * kept, and what is too much for anybody on the way is dropped. Nobody who publishes or consumes is disturbed by it.
   *
   * @param message up to 1 MiB (`MOST_BROADCAST_BYTES`)
   * @throws BrokerError with the code ERR_DISPATCHER_BROADCAST_TOO_LARGE; BrokerUnavailableError at once while there is no
   *   connection or the broker takes nothing; PublishBufferFullError where too much is under way
   * @throws BrokerRefusedError where the user may not
   */
  broadcast(topic: string, message: Buffer): Promise<void>;

  /**
   * Calls `onMessage` for what is broadcast under this topic, across reconnects; what comes meanwhile is missed. A few
   * are held at a time, whatever comes. On an embedded broker within half a second. `onMessage` may throw: it is reported.
   *
   * @throws BrokerRefusedError where the user may not; BrokerUnavailableError
   */
  watchBroadcasts(topic: string, onMessage: (message: Buffer) => void): Promise<SignalSubscription>;

  /**
   * Opens a queue of this process' own for answers: who publishes to `{ queue: address }` reaches `onReply`. It keeps what
   * comes while the connection is lost, and goes, with what is in it, by itself some minutes after its process has gone;
   * should that process come back all the same, it is made anew under its address. An answer may come twice, and
   * `onReply` must not throw. Absent where results are kept in a store, as with embedded brokers and with every broker of your own:
   * `resultBackend` is required there, and nobody asks for replies.
   *
   * @throws BrokerUnavailableError, BrokerRefusedError, ShutdownError; BrokerError with the code
   *   ERR_DISPATCHER_REPLIES_OPEN while another of this broker is open: there is one at most
   */
  openReplies?(onReply: (message: Message) => void): Promise<Replies>;

  /**
   * Sends out what has been accepted for publishing, settles what was acknowledged, and lets go of
   * every socket, timer and file. Idempotent. Must settle within `deadlineMs`, whatever hangs.
   */
  close(deadlineMs: number): Promise<void>;
}

/** @publicApi */
export interface SignalSubscription {
  /** No call comes after it. Idempotent. */
  stop(): Promise<void>;
}

/** @publicApi */
export interface Replies {
  /** The same for as long as it is open, whatever happens to the connection. */
  readonly address: string;
  /** Removes the queue and what is in it. Idempotent; done also by {@link Broker.close}. */
  close(): Promise<void>;
}

/**
 * Under it an adapter keeps with the properties of a message that arrived how they were on the wire, which may be more than
 * the other fields say. Whoever sends such a message on passes it along (spreading the properties does); what is unchanged
 * is then written as it came. It means nothing to anybody else.
 *
 * @publicApi
 */
export const RECEIVED: unique symbol = Symbol('received');

/** Bytes and what the broker carries beside them; field names as in AMQP 0-9-1. */
export interface Message {
  readonly body: Buffer;
  readonly properties: MessageProperties;
}

export interface MessageProperties {
  contentType?: string;
  contentEncoding?: string;
  headers?: TaskHeaders;
  /** The task's uuid where the sender gave it. */
  messageId?: string;
  correlationId?: string;
  replyTo?: string;
  type?: string;
  appId?: string;
  /** Seconds since 1970. */
  timestamp?: number;
  priority?: number;
  [RECEIVED]?: object;
}

/** To every queue bound to the main exchange with this key, or straight to one queue. @publicApi */
export type Address = { readonly routingKey: string } | { readonly queue: string };

/** @publicApi */
export interface PublishOptions {
  /**
   * Milliseconds before the message can be delivered; never early, unharmed by a restart of the
   * broker or its being down when the time comes. To a queue: reaches that one queue, which must
   * exist. To a routing key: reaches, when it is due, exactly the queues that a publish to this key
   * would reach then; where there are none then, it goes to the queue `<exchange>.undelivered`
   * (see {@link Broker.beforeUndelivered}) with the headers of {@link undeliveredHeaders}, and a `broker.warning` tells; a key of a level is
   * tried without its level before ({@link keyWithoutLevel}). Default: 0.
   *
   * @throws InvalidTaskError for NaN, and beyond 6.8 years
   */
  delayMs?: number;
}

/** A message as {@link Broker.browse} shows it; its body may be overwritten once `visit` has answered: copy what is kept. @publicApi */
export interface BrowsedMessage extends Message {
  readonly exchange: string;
  readonly routingKey: string;
}

/** `undefined`: nothing need be done before it is removed. @publicApi */
export type BeforeRemoval = (message: BrowsedMessage) => Promise<void> | undefined;

/**
 * `undefined`: nothing need be done.
 *
 * @param message as it was to be delivered; an empty `exchange` means to the one queue named by `routingKey`
 * @param problem why it cannot be, and what to do about it
 * @publicApi
 */
export type BeforeUndelivered = (message: BrowsedMessage, problem: string) => Promise<void> | undefined;

/** `keep` and `remove` go on to the next one; `stop` keeps this one and ends the walk. @publicApi */
export type BrowseAnswer = 'keep' | 'remove' | 'stop';

/** @param position from 0, counted from the oldest message when the walk began @publicApi */
export type BrowseVisit = (message: BrowsedMessage, position: number) => BrowseAnswer | Promise<BrowseAnswer>;

/** @publicApi */
export interface BrowseOptions {
  /** How many kept messages are held at most; then the walk ends. Default: {@link MOST_BROWSED}. */
  maxHeld?: number;
  /** How many bytes they may have together; one message always fits. Default: {@link MOST_BROWSED_BYTES}. */
  maxHeldBytes?: number;
}

/** How many messages a walk holds at most, where nothing else is said. @publicApi */
export const MOST_BROWSED = 50_000;
/** How many bytes they have together. @publicApi */
export const MOST_BROWSED_BYTES = 128 * 1024 * 1024;

/** @publicApi */
export interface BrowseResult {
  readonly visited: number;
  readonly removed: number;
  /** `all`: there were no more; `stopped`: `visit` said so; `limit`: as much as may be held was held. */
  readonly end: 'all' | 'stopped' | 'limit';
}

/** @publicApi */
export interface Topology {
  queues: readonly QueueDeclaration[];
}

/** @publicApi */
export interface QueueDeclaration {
  name: string;
  /** Bound to the main exchange with each of these. Default: none; reachable by its name only. */
  bindingKeys?: readonly string[];
  /** Default: `classic`. */
  type?: QueueTypeOption;
  /**
   * What the queue is for. `dead-letters`: it is used by this library alone, nobody consumes it, and it must never
   * lose a message to a delivery limit or a policy. Default: `work`.
   */
  purpose?: 'work' | 'dead-letters';
  /** Where a broker puts by itself what it gives up (quorum queues, after their delivery limit). Default: `<name>.dead`. */
  deadLetterQueue?: string;
  /**
   * The format that its tasks are in. A broker may have queues as another system keeps them: Redis keeps one of the format
   * `sidekiq` where Sidekiq reads it. Others pay no heed to it. Default: a queue of our own.
   */
  format?: string | undefined;
}

/** @publicApi */
export type QueueType = 'classic' | 'quorum';

/**
 * `classic`: durable, on one node; for gofort the same queue, where the server's default type is `classic`, as RabbitMQ's
 * own is. `quorum`: replicated, for clusters. `server-default`: as gofort declares it, without a type; for a queue that
 * a Go service declares too, on a server whose default is another one.
 *
 * @publicApi
 */
export type QueueTypeOption = QueueType | 'server-default';

/** @publicApi */
export interface ConsumeOptions {
  /** Names the consumer for operators; need not be unique. */
  tag: string;
  /** How many may be unsettled at a time, 0 for none yet; can change later by {@link Consumption.setPrefetch}. */
  prefetch: number;
  /**
   * Names of the tasks that have a handler here, asked again and again: a broker that can tell them apart in a queue of
   * another system need not take others. Default: whatever comes is taken.
   */
  names?: (() => readonly string[]) | undefined;
  /**
   * How many of these are worked on at once, where the rest waits: so much may be told the broker a moment later, together,
   * without anybody waiting for it. Default: all.
   */
  running?: number | undefined;
}

/** @publicApi */
export interface Consumption {
  /**
   * How many may be unsettled at a time from now on; 0: no more for now. More come soon after; a smaller number takes
   * effect as deliveries are settled. Cheap to call with an unchanged value.
   *
   * @param running see {@link ConsumeOptions.running}
   * @returns once the broker knows it: what is given back from then on comes here only within the new number. Never
   *   rejects, and resolves also where the broker is gone
   */
  setPrefetch(prefetch: number, running?: number): Promise<void>;
  /** After this resolves no delivery arrives any more; those that arrived can still be settled. Idempotent. */
  stop(): Promise<void>;
  /**
   * Stops, makes sure that every settlement has reached the broker, and gives back whatever is not
   * settled. Idempotent. Bounded: settles even when the connection hangs.
   */
  close(): Promise<void>;
}

/** A message as a consumer got it. It must be settled exactly once; a second settlement is ignored. @publicApi */
export interface Delivery extends Message {
  readonly queue: string;
  readonly exchange: string;
  readonly routingKey: string;
  /** It may have been delivered before. */
  readonly redelivered: boolean;
  /**
   * How near it is to being given up by a broker that does so with what comes back too often (quorum queues: 20 times
   * by default from RabbitMQ 4.0 on). What a broker counts for it differs by version, so it says nothing of the task.
   * An embedded broker gives nothing up; its number says how often a process died that held the message.
   */
  readonly deliveryCount?: number;
  /**
   * Done: the message is gone. Returns false when it is too late, because the connection was lost
   * since and the broker has given, or will give, the message to somebody again.
   */
  ack(): boolean;
  /** Gives it back at once, as near to its old place as the broker can. False when it is too late. */
  requeue(): boolean;
}

/** @publicApi */
export type BrokerStatus =
  /** `connect` was not called yet. */
  | 'idle'
  | 'connecting'
  | 'ready'
  /** Connected, but the broker takes no messages for now (memory or disk alarm). Consuming goes on. */
  | 'blocked'
  /** The connection was lost and is being made again. */
  | 'lost'
  /** The configured retries are spent. Nothing more will happen by itself. */
  | 'broken'
  | 'closing'
  | 'closed';

/** @publicApi */
export interface BrokerState {
  readonly status: BrokerStatus;
  /** Milliseconds since 1970 at which this status began. */
  readonly since: number;
  /** Why, for `lost`, `broken`, `blocked` and a `connecting` that has failed before. */
  readonly cause?: DispatcherError;
}

/** @publicApi */
export type BrokerEvent =
  | { readonly type: 'broker.connected'; readonly attempt: number }
  | { readonly type: 'broker.connection-lost'; readonly error: DispatcherError }
  | { readonly type: 'broker.connect-failed'; readonly error: DispatcherError; readonly attempt: number; readonly retryInMs?: number }
  /** Reconnecting was given up. Not for the first connection, whose failure is that of {@link Broker.connect}. */
  | { readonly type: 'broker.broken'; readonly error: DispatcherError }
  | { readonly type: 'broker.blocked'; readonly reason: string }
  | { readonly type: 'broker.unblocked' }
  /** A consumer stopped receiving (queue deleted, channel error); the adapter goes on trying to bring it back. */
  | { readonly type: 'broker.consumer-lost'; readonly queue: string; readonly error: DispatcherError; readonly retryInMs?: number }
  | { readonly type: 'broker.consumer-restored'; readonly queue: string }
  | { readonly type: 'broker.topology-failed'; readonly error: DispatcherError }
  /** `onDelivery` threw; the delivery was given back. A defect of the caller. */
  | { readonly type: 'broker.callback-failed'; readonly queue: string; readonly error: unknown }
  /** Something unusual that was dealt with. */
  | { readonly type: 'broker.warning'; readonly message: string };
