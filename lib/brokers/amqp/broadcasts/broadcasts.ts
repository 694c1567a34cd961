import type { ChannelModel } from 'amqplib';
import { BrokerUnavailableError } from '../../../errors.js';
import { broadcastListenerFailed, checkBroadcast } from '../../../task/broadcasts.js';
import type { SignalSubscription } from '../../broker.js';
import type { KeptChannelHost } from '../signals/kept-channel.js';
import type { AmqpLink } from '../amqp-link.js';
import { Broadcaster } from './broadcaster.js';
import { BroadcastWatch } from './broadcast-watch.js';

/** Its connection is the one for consuming, on which an alarm of the server stops nothing. */
export interface BroadcastsHost extends KeptChannelHost {
  readonly publishLink: () => AmqpLink;
  readonly warn: (message: string) => void;
}

/** A direct exchange by topic, and for each who watches one a queue that goes with its connection. */
export class Broadcasts {
  private readonly name: string;
  private readonly broadcaster: Broadcaster;
  private readonly watches = new Set<BroadcastWatch>();

  constructor(exchange: string, private readonly host: BroadcastsHost) {
    this.name = `${exchange}.inspection.v1`;
    this.broadcaster = new Broadcaster(this.name, () => this.model());
  }

  async send(topic: string, message: Buffer): Promise<void> {
    checkBroadcast(topic, message);
    await this.broadcaster.send(topic, message);
  }

  async watch(topic: string, onMessage: (message: Buffer) => void, limitMs: number): Promise<SignalSubscription> {
    const watch = new BroadcastWatch(this.name, topic, onMessage, {
      ...this.host, failed: (error) => this.host.warn(broadcastListenerFailed(topic, error)), ended: (gone) => this.watches.delete(gone),
    });
    this.watches.add(watch);
    try {
      await watch.start(limitMs);
    } catch (error) {
      await watch.stop();
      throw error;
    }
    return watch;
  }

  async close(): Promise<void> {
    await Promise.all([this.broadcaster.close(), ...[...this.watches].map((watch) => watch.stop())]);
  }

  /** What nobody keeps is not kept waiting either. */
  private model(): ChannelModel {
    const link = this.host.publishLink();
    if (link.status !== 'ready' || link.model === undefined) throw link.unavailable();
    if (link.blockedReason === undefined) return link.model;
    throw new BrokerUnavailableError(`The broker takes no messages for now (${link.blockedReason}), and so no broadcast. Try again once it does.`, { exchange: this.name });
  }
}
