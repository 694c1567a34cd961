import { PublishBufferFullError, type BrokerUnavailableError } from '../../errors.js';
import { broadcastListenerFailed, checkBroadcast } from '../../task/broadcasts.js';
import type { SignalSubscription } from '../broker.js';
import { Link, type LinkSettings } from '../connection/link.js';
import type { RedisSession } from './redis-session.js';

/** What may be under way. Redis cuts off whoever listens and is 32 MiB behind. */
const MOST_BYTES = 8 * 1024 * 1024;

export interface BroadcastsHost {
  /** Says why where the broker itself has no connection. */
  unavailable(): BrokerUnavailableError | undefined;
  warning(message: string): void;
}

type Listener = (message: Buffer) => void;

/**
 * Over a connection of their own, made when they are first used: a flood of them stands in nobody's way, and where Redis
 * cuts off a listener that is too slow, nothing else is lost with it.
 */
export class RedisBroadcasts {
  private link: Link<RedisSession> | undefined;
  private opening: Promise<void> | undefined;
  private readonly topics = new Map<string, Set<Listener>>();
  private bytes = 0;

  constructor(private readonly settings: LinkSettings<RedisSession>, private readonly host: BroadcastsHost) {}

  async send(topic: string, message: Buffer): Promise<void> {
    checkBroadcast(topic, message);
    const unavailable = this.host.unavailable() ?? this.ownUnavailable();
    if (unavailable !== undefined) throw unavailable;
    if (this.bytes > 0 && this.bytes + message.length > MOST_BYTES) throw full(this.bytes, message.length);
    this.bytes += message.length;
    try {
      const session = await this.ready();
      await session.publish(channelOf(topic), message);
    } finally {
      this.bytes -= message.length;
    }
  }

  async watch(topic: string, onMessage: Listener): Promise<SignalSubscription> {
    const session = await this.ready();
    const heard: Listener = (message) => {
      try {
        onMessage(message);
      } catch (error) {
        this.host.warning(broadcastListenerFailed(topic, error));
      }
    };
    const listeners = this.topics.get(topic);
    if (listeners === undefined) {
      this.topics.set(topic, new Set([heard]));
      await this.subscribe(session, topic);
    } else listeners.add(heard);
    return { stop: () => this.stop(topic, heard) };
  }

  async close(limitMs: number): Promise<void> {
    this.topics.clear();
    await this.link?.close(limitMs);
  }

  private stop(topic: string, heard: Listener): Promise<void> {
    const listeners = this.topics.get(topic);
    if (listeners?.delete(heard) === true && listeners.size === 0) {
      this.topics.delete(topic);
      if (this.link?.status === 'ready') this.link.model?.unsubscribe(channelOf(topic));
    }
    return Promise.resolve();
  }

  private ownUnavailable(): BrokerUnavailableError | undefined {
    return this.link === undefined || this.link.status === 'ready' || this.link.status === 'connecting' ? undefined : this.link.unavailable();
  }

  private async ready(): Promise<RedisSession> {
    if (this.link === undefined || this.link.status === 'broken') {
      this.link = this.makeLink();
      this.opening = this.link.open();
    }
    await this.opening;
    return this.link.whenReady();
  }

  private makeLink(): Link<RedisSession> {
    return new Link(this.settings, {
      prepare: async (session) => {
        for (const topic of this.topics.keys()) await this.subscribe(session, topic);
      },
      ready: () => undefined, failed: () => undefined, broken: () => undefined, blockedChanged: () => undefined,
      lost: (_link, error) => this.host.warning(`Broadcasts are missed for a moment. ${error.message}`),
      // The broker's own connection tells the same.
      warning: () => undefined,
    });
  }

  private subscribe(session: RedisSession, topic: string): Promise<void> {
    return session.subscribe(channelOf(topic), (message) => {
      for (const heard of [...this.topics.get(topic) ?? []]) heard(message);
    });
  }
}

function channelOf(topic: string): string {
  return `b:${topic}`;
}

function full(bytes: number, messageBytes: number): PublishBufferFullError {
  return new PublishBufferFullError(`${bytes} bytes of broadcasts are under way already, and ${messageBytes} more would be more than ${MOST_BYTES}. Broadcast more slowly.`, { bytes, messageBytes, maxBytes: MOST_BYTES });
}
