import type { Channel, ChannelModel } from 'amqplib';
import type { Endpoint } from '../../amqp/endpoint.js';
import { openConnection } from '../../amqp/open-connection.js';
import { withChannel } from '../../amqp/open-channel.js';
import { Secret } from '../../urls/secret.js';
import type { Settings } from '../settings/settings.js';

/** What the server said to one question; neither where it said yes. */
export interface Refusal {
  readonly code: number | undefined;
  readonly text: string;
}

/** A connection on which questions are put to the server, each on a channel of its own: a refusal closes it. */
export class Probe {
  private constructor(private readonly model: ChannelModel, readonly endpoint: Endpoint, private readonly blocks: readonly string[]) {}

  /** @throws what kept it from connecting */
  static async open(endpoint: Endpoint, { tlsConfig, connectSeconds }: Pick<Settings, 'tlsConfig' | 'connectSeconds'>, signal: AbortSignal): Promise<Probe> {
    const blocks: string[] = [];
    const unheard = (): void => undefined;
    const model = await openConnection({
      endpoint, name: `nestjs-dispatcher:doctor:${process.pid}`, connectTimeoutMs: connectSeconds * 1000, tls: new Secret(tlsConfig.reveal()),
    }, signal, { lost: unheard, blocked: (reason) => blocks.push(reason), unblocked: unheard, warning: unheard });
    return new Probe(model, endpoint, blocks);
  }

  get server(): { readonly product: string; readonly version: string } {
    const { product, version } = this.model.connection.serverProperties as { product?: unknown; version?: unknown };
    return { product: String(product), version: String(version) };
  }

  /** Why the server takes no messages, once it has said so. */
  get blocked(): string | undefined {
    return this.blocks[0];
  }

  /** @returns `undefined` where it was done */
  async refusal(ask: (channel: Channel) => Promise<unknown>): Promise<Refusal | undefined> {
    try {
      await withChannel(this.model, ask);
      return undefined;
    } catch (error) {
      const { code, message } = error as { code?: unknown; message?: string };
      return { code: typeof code === 'number' ? code : undefined, text: message ?? String(error) };
    }
  }

  use<T>(work: (channel: Channel) => Promise<T>): Promise<T> {
    return withChannel(this.model, work);
  }

  async close(): Promise<void> {
    await this.model.close().catch(() => undefined);
  }
}
