import type { ConnectionOptions } from 'node:tls';
import { connect, type ChannelModel, type Options, type SocketOptions } from 'amqplib';
import { outliveClosedChannels } from './closed-channels.js';
import { takeDeliveries } from './fast-deliveries.js';
import { corkWrites } from './cork-writes.js';
import type { Secret } from '../urls/secret.js';
import type { Endpoint } from './endpoint.js';
import { keepReceivedHeaders } from './received-headers.js';

export interface ConnectionSettings {
  readonly endpoint: Endpoint;
  readonly name: string;
  readonly connectTimeoutMs: number;
  /** Its key may have a passphrase. */
  readonly tls?: Secret<ConnectionOptions | undefined>;
}

export interface ConnectionListener {
  /** Called once, whatever ends the connection and in whichever order amqplib tells it. */
  lost(error: Error): void;
  blocked(reason: string): void;
  unblocked(): void;
  warning(message: string): void;
}

/** What amqplib's types leave out. */
interface OpenConnection extends NodeJS.EventEmitter {
  readonly stream: NodeJS.EventEmitter;
  readonly expectSocketClose?: boolean;
  onSocketError(error: Error): void;
}

/** One turn's frames should fit, or the multiplexer stops in its midst and waits for the socket to drain. */
const WRITE_BUFFER_BYTES = 1024 * 1024;

/**
 * One attempt. `signal` destroys the socket at any time, before and after it is connected: amqplib
 * itself offers no way to do so, and leaves half-open sockets behind.
 */
export async function openConnection(settings: ConnectionSettings, signal: AbortSignal, listener: ConnectionListener): Promise<ChannelModel> {
  const model = await connect(handshakeOptions(settings.endpoint), socketOptions(settings, signal));
  // No await may come before the listeners: an 'error' without one ends the process.
  let first: Error | undefined;
  let told = false;
  const tell = (error?: Error): void => {
    if (told) return;
    told = true;
    listener.lost(first ?? error ?? new Error('the server closed the connection'));
  };
  model.on('error', (error) => {
    first ??= error;
    setImmediate(tell);
  });
  model.on('close', tell);
  model.on('blocked', (reason) => listener.blocked(reason));
  model.on('unblocked', () => listener.unblocked());
  const connection = model.connection as unknown as OpenConnection;
  // amqplib listens for the end and for an error only: one that closes without either would count as open, and its
  // heartbeat timers would run on. Where it knows already, it takes no notice.
  connection.stream.once('close', () => connection.onSocketError(new Error('the socket closed')));
  connection.on('handler-error', (error: Error, event: string) => listener.warning(`A listener of the connection's "${event}" event failed: ${error.message}`));
  // Closed in the very chunk that completed the handshake: its events went by before we could listen.
  if (connection.expectSocketClose === true) throw new Error('the server closed the connection at once');
  corkWrites(connection);
  keepReceivedHeaders(connection);
  outliveClosedChannels(connection);
  takeDeliveries(connection);
  return model;
}

function handshakeOptions(endpoint: Endpoint): Options.Connect {
  return {
    protocol: endpoint.secure ? 'amqps' : 'amqp',
    hostname: endpoint.hostname,
    port: endpoint.port,
    username: endpoint.username,
    password: endpoint.password.reveal(),
    // amqplib percent-decodes the virtual host even in the object form.
    vhost: encodeURIComponent(endpoint.vhost),
    heartbeat: endpoint.heartbeatSeconds,
  };
}

function socketOptions(settings: ConnectionSettings, signal: AbortSignal): SocketOptions {
  return {
    ...settings.tls?.reveal(),
    noDelay: true,
    keepAlive: true,
    keepAliveDelay: 30_000,
    timeout: settings.connectTimeoutMs,
    signal,
    // TLS takes the first, TCP the second.
    ...(settings.endpoint.secure ? { highWaterMark: WRITE_BUFFER_BYTES } : { writableHighWaterMark: WRITE_BUFFER_BYTES }),
    clientProperties: { connection_name: settings.name },
  } as unknown as SocketOptions;
}
