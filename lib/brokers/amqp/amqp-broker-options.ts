import type { ConnectionOptions } from 'node:tls';
import type { WheelShape } from './delays/wheel/wheel-shape.js';
import type { ReconnectionOptions } from '../connection/reconnection-policy.js';

/** How the RabbitMQ adapter connects and how much it lets wait. */
export interface AmqpBrokerOptions {
  /** `amqp://user:password@host:port/vhost?heartbeat=10` or `amqps://...`; names and password percent-encoded. */
  url: string;
  /** The main exchange: direct, durable, declared at connect. */
  exchange: string;
  /** Shown to operators, with `:publish` and `:consume` appended. Default: `dispatcher:<pid>`. */
  connectionName?: string;
  reconnection: ReconnectionOptions;
  tls?: {
    /** Handed to Node's TLS as it is (`ca`, `cert`, `key`, `servername`, ...). The server's certificate is verified unless this says otherwise. */
    options?: ConnectionOptions;
    /** TLS even though the URL says `amqp://`. Default: false. */
    force?: boolean;
  };
  /** How long TCP, TLS and the AMQP handshake may take together. Default: 10,000. */
  connectTimeoutMs?: number;
  /** A dead peer is noticed within three of these; 0 switches that off. `?heartbeat=` in the URL wins. Default: 15. */
  heartbeatSeconds?: number;
  publishing?: PublishingOptions;
  /**
   * After how many milliseconds an unsettled delivery may be taken away. A server that knows it of a consumer (from 4.3
   * on, quorum queues) is told; others have it in their own configuration. Default: whatever the server does.
   */
  consumerTimeoutMs?: number | undefined;
  /** How long the reply queue of a process that has gone is kept, in milliseconds. Default: 600,000. */
  repliesExpireMs?: number;
  /** How the timing wheel is cut, for tests that cannot wait for hours. All processes of an exchange must have the same. Default: {@link WHEEL}. */
  wheel?: WheelShape;
  /** From 0 to 1, for jitter. Default: `Math.random`. */
  random?: () => number;
}

/** Bounds of what is accepted for publishing but not confirmed yet. */
export interface PublishingOptions {
  /** How many may be sent and unconfirmed at a time. Default: 1,000. */
  window?: number;
  /** How many may wait, those sent and unconfirmed included. Default: 200,000. */
  maxWaitingTasks?: number;
  /** How many bytes may wait, those sent and unconfirmed included. Default: 128 MiB. */
  maxWaitingBytes?: number;
  /** How long one publish may take before it rejects. Default: 30,000. */
  maxWaitMs?: number;
}

export type PublishingLimits = Required<PublishingOptions>;

export const DEFAULT_PUBLISHING: PublishingLimits = {
  window: 1000,
  maxWaitingTasks: 200_000,
  maxWaitingBytes: 128 * 1024 * 1024,
  maxWaitMs: 30_000,
};

export const DEFAULT_REPLIES_EXPIRE_MS = 600_000;
export const DEFAULT_CONNECT_TIMEOUT_MS = 10_000;
export const DEFAULT_HEARTBEAT_SECONDS = 15;
