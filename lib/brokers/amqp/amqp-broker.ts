import { randomUUID } from 'node:crypto';
import type { ChannelModel } from 'amqplib';
import type { Observable } from 'rxjs';
import { ConfigurationError, type DispatcherError, ShutdownError } from '../../errors.js';
import { clock } from '../../time/clock.js';
import type { Address, BeforeRemoval, BeforeUndelivered, Broker, BrokerEvent, BrokerState, BrowseOptions, BrowseResult, BrowseVisit, ConsumeOptions, Consumption, Delivery, Message, PublishOptions, Replies, SignalSubscription, Topology } from '../broker.js';
import { type AmqpBrokerOptions, DEFAULT_CONNECT_TIMEOUT_MS, DEFAULT_HEARTBEAT_SECONDS, DEFAULT_PUBLISHING, DEFAULT_REPLIES_EXPIRE_MS, type PublishingLimits } from './amqp-broker-options.js';
import { Broadcasts } from './broadcasts/broadcasts.js';
import { QueueInspector } from './browsing/queue-inspector.js';
import { BrokerMonitor } from '../connection/broker-monitor.js';
import { parseEndpoint } from '../../amqp/endpoint.js';
import { Secret } from '../../urls/secret.js';
import { returnsQueueOf } from '../../amqp/queue-forms.js';
import { Link, type LinkListener } from '../connection/link.js';
import { amqpLinkSettings, type AmqpLink } from './amqp-link.js';
import { within } from '../../time/within.js';
import { AmqpConsumption, type ConsumptionHost } from './consuming/amqp-consumption.js';
import { Delays } from './delays/delays.js';
import { Publisher } from './publishing/publisher.js';
import { AmqpReplies, repliesName, repliesOpen } from './replies/amqp-replies.js';
import { Signals } from './signals/signals.js';
import { TopologyRegister } from './topology/topology-register.js';

/**
 * RabbitMQ as a {@link Broker}. Two connections: a broker under a resource alarm stops reading
 * from those that publish, and acknowledgements must not stand behind that.
 */
export class AmqpBroker implements Broker {
  readonly states: Observable<BrokerState>;
  readonly events: Observable<BrokerEvent>;
  private readonly limits: PublishingLimits;
  private readonly publishLink: AmqpLink;
  private readonly consumeLink: AmqpLink;
  private readonly monitor: BrokerMonitor;
  private readonly topology: TopologyRegister;
  private readonly inspector: QueueInspector;
  private readonly publisher: Publisher;
  private readonly delays: Delays;
  private readonly consumptions = new Set<AmqpConsumption>();
  private readonly signals: Signals;
  private readonly broadcasts: Broadcasts;
  private replies: AmqpReplies | undefined;
  private tellUndelivered: BeforeUndelivered = () => undefined;
  /** With the password, and so unseen. */
  readonly #options: AmqpBrokerOptions;
  private readonly random: () => number;
  private connecting: Promise<void> | undefined;
  private closed: Promise<void> | undefined;

  /** @throws ConfigurationError when the options cannot work as written */
  constructor(options: AmqpBrokerOptions) {
    this.#options = options;
    if (options.exchange === '') throw new ConfigurationError('`exchange` is empty; name the exchange that tasks are published to.');
    this.limits = { ...DEFAULT_PUBLISHING, ...options.publishing };
    this.random = options.random ?? clock.random;
    const register = { failed: (error: DispatcherError) => this.monitor.emit({ type: 'broker.topology-failed', error }), warning: (message: string) => this.warn(message) };
    this.topology = new TopologyRegister(options.exchange, register);
    this.inspector = new QueueInspector(options.exchange, () => this.consumeLink.whenReady(this.limits.maxWaitMs), this.limits.maxWaitMs,
      (message, queue) => this.publisher.publish(message, '', queue), (model) => this.delays.count(model));
    this.publisher = new Publisher(this.limits, {
      repair: (model) => this.repair(model),
      unavailable: () => this.publishLink.unavailable(),
      warning: (message) => this.warn(message),
    });
    this.delays = new Delays(options.exchange, this.publisher, {
      ...this.consumptionHost(), maxWaitMs: this.limits.maxWaitMs, warn: (message) => this.warn(message), signal: () => this.signal(), shape: options.wheel,
      beforeUndelivered: (message, problem) => this.tellUndelivered(message, problem),
    });
    const consuming = { connection: (limitMs?: number) => this.consumeLink.whenReady(limitMs), random: this.random };
    this.signals = new Signals(options.exchange, { ...consuming, publishing: () => this.publishLink.whenReady(this.limits.maxWaitMs) });
    this.broadcasts = new Broadcasts(options.exchange, { ...consuming, publishLink: () => this.publishLink, warn: (message) => this.warn(message) });
    this.publishLink = this.link('publish');
    this.consumeLink = this.link('consume');
    this.monitor = new BrokerMonitor([this.publishLink, this.consumeLink]);
    this.states = this.monitor.states;
    this.events = this.monitor.events;
  }

  get state(): BrokerState {
    return this.monitor.state;
  }

  connect(): Promise<void> {
    if (this.closed !== undefined) return Promise.reject(closing());
    this.connecting ??= this.openBoth().catch((error: unknown) => {
      this.connecting = undefined;
      throw error;
    });
    return this.connecting;
  }

  async declare(topology: Topology): Promise<void> {
    const model = await this.consumeLink.whenReady(this.limits.maxWaitMs);
    // What the server removes from such queues by itself is led to where the forwarder takes it.
    if (topology.queues.some(({ purpose }) => purpose === 'dead-letters')) this.delays.start();
    await this.topology.declare(model, topology);
  }

  publish(message: Message, address: Address, options?: PublishOptions): Promise<void> {
    const delayMs = options?.delayMs;
    if (delayMs !== undefined && !(delayMs <= 0)) return this.delays.publish(message, address, delayMs);
    if ('queue' in address) return this.publisher.publish(message, '', address.queue);
    return this.publisher.publish(message, this.#options.exchange, address.routingKey);
  }

  async consume(queue: string, options: ConsumeOptions, onDelivery: (delivery: Delivery) => void): Promise<Consumption> {
    if (this.closed !== undefined) throw closing();
    this.delays.start();
    const consumption = new AmqpConsumption(queue, options, onDelivery, this.consumptionHost());
    this.consumptions.add(consumption);
    try {
      await consumption.start(this.limits.maxWaitMs);
    } catch (error) {
      this.consumptions.delete(consumption);
      throw error;
    }
    return consumption;
  }

  depth(queue: string): Promise<number | undefined> {
    return this.inspector.depth(queue);
  }

  delayedCount(certain = false): Promise<number> {
    return this.inspector.delayedCount(certain);
  }

  delayedWithin(boundsMs: readonly number[]): Promise<number[]> {
    return this.inspector.delayedWithin(boundsMs);
  }

  browse(queue: string, visit: BrowseVisit, options?: BrowseOptions): Promise<BrowseResult> {
    return this.inspector.browse(queue, visit, options);
  }

  purge(queue: string, beforeRemoval?: BeforeRemoval): Promise<number> {
    return this.inspector.purge(queue, beforeRemoval);
  }

  beforeUndelivered(tell: BeforeUndelivered): void {
    this.tellUndelivered = tell;
  }

  signal(): Promise<void> {
    return this.signals.send();
  }

  watchSignals(onSignal: () => void): Promise<SignalSubscription> {
    return this.signals.watch(onSignal, this.limits.maxWaitMs);
  }

  broadcast(topic: string, message: Buffer): Promise<void> {
    return this.broadcasts.send(topic, message);
  }

  watchBroadcasts(topic: string, onMessage: (message: Buffer) => void): Promise<SignalSubscription> {
    return this.broadcasts.watch(topic, onMessage, this.limits.maxWaitMs);
  }

  async openReplies(onReply: (message: Message) => void): Promise<Replies> {
    if (this.closed !== undefined) throw closing();
    if (this.replies?.isClosed === false) throw repliesOpen(this.replies.address);
    const { exchange } = this.#options;
    const replies = new AmqpReplies(repliesName(exchange, randomUUID()), returnsQueueOf(exchange), this.#options.repliesExpireMs ?? DEFAULT_REPLIES_EXPIRE_MS, onReply, this.consumptionHost());
    // Known from the beginning, so that whoever closes the broker meanwhile closes this too.
    this.replies = replies;
    try {
      await replies.open(this.limits.maxWaitMs);
    } catch (error) {
      await replies.close();
      throw error;
    }
    return replies;
  }

  close(deadlineMs: number): Promise<void> {
    this.closed ??= this.shutDown(clock.elapsed() + deadlineMs);
    return this.closed;
  }

  private async openBoth(): Promise<void> {
    const opening = Promise.all([this.publishLink.open(), this.consumeLink.open()]);
    this.monitor.refresh();
    try {
      await opening;
      this.delays.startSoon();
    } catch (error) {
      // Neither may go on trying when the caller has been told that it failed.
      if (this.closed === undefined) for (const link of [this.publishLink, this.consumeLink]) link.abandon(error as DispatcherError);
      this.publisher.disconnected(undefined);
      this.monitor.refresh();
      throw error;
    }
  }

  private async repair(model: ChannelModel): Promise<void> {
    await this.topology.redeclareAll(model);
    await this.delays.repair(model);
  }

  private link(role: 'publish' | 'consume'): AmqpLink {
    const options = this.#options;
    const settings = amqpLinkSettings({
      endpoint: parseEndpoint(options.url, options.tls?.force ?? false, options.heartbeatSeconds ?? DEFAULT_HEARTBEAT_SECONDS),
      name: `${options.connectionName ?? `dispatcher:${process.pid}`}:${role}`,
      connectTimeoutMs: options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      tls: new Secret(options.tls?.options),
    }, options.reconnection, this.random);
    return new Link(settings, this.linkListener(role === 'publish'));
  }

  private linkListener(publishing: boolean): LinkListener<ChannelModel> {
    let first = true;
    return {
      prepare: async (model) => {
        if (first) await this.topology.declareExchange(model);
        else await this.topology.redeclareAll(model);
        first = false;
        if (publishing) await this.publisher.connected(model);
      },
      ready: (_link, attempt) => this.monitor.ready(attempt),
      lost: (_link, error) => {
        if (publishing) this.publisher.disconnected(error.fields['code'] as number | undefined);
        this.monitor.lost(error);
      },
      failed: (_link, error, attempt, retryInMs) => {
        if (publishing) this.publisher.disconnected(undefined);
        this.monitor.failed(error, attempt, retryInMs);
      },
      broken: (_link, error) => {
        if (publishing) this.publisher.broken(this.publishLink.unavailable());
        this.monitor.broken(error);
      },
      blockedChanged: (link) => {
        if (publishing) this.publisher.setBlocked(link.blockedReason !== undefined);
        this.monitor.blockedChanged();
      },
      warning: (message) => this.warn(message),
    };
  }

  private consumptionHost(): ConsumptionHost {
    return {
      connection: (limitMs) => this.consumeLink.whenReady(limitMs),
      isConnected: () => this.consumeLink.status === 'ready',
      redeclare: (model, queue) => this.topology.redeclare(model, queue),
      emit: (event) => this.monitor.emit(event),
      random: this.random,
      consumerTimeoutMs: this.#options.consumerTimeoutMs,
      queueType: (queue) => this.topology.typeOf(queue),
      ended: (consumption) => this.consumptions.delete(consumption),
    };
  }

  private async shutDown(deadline: number): Promise<void> {
    const left = (): number => Math.max(0, deadline - clock.elapsed());
    this.monitor.closing();
    this.delays.stop();
    // A quarter is kept for the closing itself; what is published meanwhile by nobody is refused already.
    await this.publisher.close(left() * 0.75);
    await within(left() / 2, Promise.all([this.signals.close(), this.broadcasts.close(), this.inspector.close()]));
    await within(left() / 2, Promise.all([this.delays, ...this.consumptions, ...this.replies === undefined ? [] : [this.replies]].map((one) => one.close())));
    await within(left(), Promise.all([this.publishLink.close(left()), this.consumeLink.close(left())]));
    this.delays.closed();
    this.monitor.closed();
  }

  private warn(message: string): void {
    this.monitor.emit({ type: 'broker.warning', message });
  }
}

function closing(): ShutdownError {
  return new ShutdownError('The broker connection is closing; nothing new is taken.');
}
