import type { Channel, ChannelModel } from 'amqplib';
import { closeChannel, openChannel } from '../../../amqp/open-channel.js';
import { pauseUntil } from '../../../time/pause-until.js';
import { makeStopper } from '../../../time/stopper.js';
import { exponentialPause } from '../../connection/reconnection-policy.js';

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 30_000;
const CLOSE_LIMIT_MS = 2_000;

export interface KeptChannelHost {
  connection(limitMs?: number): Promise<ChannelModel>;
  random(): number;
}

export interface KeptChannelUse {
  /** On the connection, before the channel is opened. */
  prepare(model: ChannelModel): Promise<void>;
  /** @param giveUp something is gone that it cannot do without: all is made anew */
  setUp(channel: Channel, giveUp: () => void): Promise<void>;
  /** It stands again after it was lost: what came meanwhile was missed. */
  restored(): void;
}

/** One channel and what is set up on it, through every channel and connection that it takes. */
export class KeptChannel {
  private readonly stopping = makeStopper();
  private channel: Channel | undefined;

  constructor(private readonly use: KeptChannelUse, private readonly host: KeptChannelHost) {}

  get isStopped(): boolean { return this.stopping.signal.aborted; }

  /** @throws what keeps it from standing the first time */
  async start(limitMs: number): Promise<void> {
    await this.open(await this.host.connection(limitMs));
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    if (this.channel !== undefined) await closeChannel(this.channel, CLOSE_LIMIT_MS);
  }

  private async open(model: ChannelModel): Promise<void> {
    let isOpen = false;
    await this.use.prepare(model);
    const channel = await openChannel(model, { closed: () => isOpen && void this.restore(), warning: () => undefined });
    try {
      await this.use.setUp(channel, () => void closeChannel(channel, CLOSE_LIMIT_MS));
    } catch (error) {
      await closeChannel(channel, CLOSE_LIMIT_MS);
      throw error;
    }
    isOpen = true;
    this.channel = channel;
    if (this.isStopped) await closeChannel(channel, CLOSE_LIMIT_MS);
  }

  /** Until it stands again, is stopped, or the connection is broken for good. */
  private async restore(): Promise<void> {
    const { signal } = this.stopping;
    try {
      for (let tries = 0; !signal.aborted; tries++) {
        await pauseUntil(FIRST_PAUSE_MS + exponentialPause(tries, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, () => this.host.random()), signal);
        const model = await this.host.connection();
        if (signal.aborted) return;
        const isOpen = await this.open(model).then(() => true, () => false);
        if (isOpen) return this.use.restored();
      }
    } catch {
      // The connection is broken or closing, and that is reported where it happened.
    }
  }
}
