import type { ConnectionOptions } from 'node:tls';
import type { ChannelModel } from 'amqplib';
import { parseEndpoint, type Endpoint } from '../../amqp/endpoint.js';
import { classifyConnectionFailure } from '../../amqp/connection-failure.js';
import { openConnection } from '../../amqp/open-connection.js';
import { ResultBackendUnavailableError } from '../../errors.js';
import { Secret } from '../../urls/secret.js';
import { pauseUntil } from '../../time/pause-until.js';
import { makeStopper } from '../../time/stopper.js';

const CONNECT_WITHIN_MS = 10_000;
const HEARTBEAT_SECONDS = 15;
const GOODBYE_MS = 1_000;

export interface AmqpLinkOptions {
  readonly url: Secret<string>;
  /** Shown to operators. */
  readonly name: string;
  readonly tls?: { readonly options: Secret<ConnectionOptions | undefined>; readonly force: boolean } | undefined;
  readonly warn: (message: string) => void;
}

/** A connection to RabbitMQ of its own, for what other systems keep there: opened by the first that needs it, and again by the next one after it was lost. */
export class AmqpLink {
  private readonly endpoint: Endpoint;
  private readonly stopper = makeStopper();
  private opening: Promise<ChannelModel> | undefined;
  private closed = false;

  constructor(private readonly options: AmqpLinkOptions) {
    this.endpoint = parseEndpoint(options.url.reveal(), options.tls?.force === true, HEARTBEAT_SECONDS);
  }

  /** Where it leads, without a password. */
  get display(): string {
    return this.endpoint.display;
  }

  /** @throws DispatcherError; the next call tries again */
  model(): Promise<ChannelModel> {
    return (this.opening ??= this.open().catch((error: unknown) => {
      this.opening = undefined;
      throw classifyConnectionFailure(error, this.display);
    }));
  }

  async close(): Promise<void> {
    this.closed = true;
    const model = await this.opening?.catch(() => undefined);
    // A goodbye, if there is an answer; then its socket is destroyed in any case.
    const saying = model?.close().catch(() => undefined) ?? Promise.resolve();
    const waiting = pauseUntil(GOODBYE_MS, this.stopper.signal);
    await Promise.race([saying, waiting]);
    this.stopper.abort();
  }

  private async open(): Promise<ChannelModel> {
    if (this.closed) throw new ResultBackendUnavailableError(`The connection to ${this.display} is closed.`);
    const { name, tls, warn } = this.options;
    const forget = (): void => { this.opening = undefined; };
    return openConnection({ endpoint: this.endpoint, name, connectTimeoutMs: CONNECT_WITHIN_MS, tls: tls?.options ?? new Secret(undefined) }, this.stopper.signal, {
      lost: forget, blocked: () => undefined, unblocked: () => undefined, warning: warn,
    });
  }
}
