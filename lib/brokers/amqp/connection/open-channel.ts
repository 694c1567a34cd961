import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib';
import { BrokerUnavailableError } from '../../../errors.js';
import { within } from './pause.js';

/** What ended a channel: the server's code and text, or neither when the connection went. */
export interface ChannelClosure {
  readonly code: number | undefined;
  readonly text: string;
}

export interface ChannelListener {
  /** Called once. */
  closed(closure: ChannelClosure): void;
  warning(message: string): void;
}

const ANSWER_LIMIT_MS = 30_000;
const CLOSE_LIMIT_MS = 2_000;

/** Every channel is opened here, so that none is without listeners: an 'error' without one ends the process. */
export async function openChannel(model: ChannelModel, listener: ChannelListener): Promise<Channel> {
  return watch(await answered(model.createChannel(), 'channel.open'), listener);
}

/** @see openChannel */
export async function openConfirmChannel(model: ChannelModel, listener: ChannelListener): Promise<ConfirmChannel> {
  return watch(await answered(model.createConfirmChannel(), 'confirm.select'), listener);
}

/**
 * Runs one piece of administration on a channel of its own: a refusal closes the channel that it
 * happened on, and must take nothing else along.
 */
export async function withChannel<T>(model: ChannelModel, use: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await openChannel(model, { closed: () => undefined, warning: () => undefined });
  try {
    return await answered(use(channel), 'a declaration');
  } finally {
    await closeChannel(channel, CLOSE_LIMIT_MS);
  }
}

/** Never rejects, never hangs. */
export async function closeChannel(channel: Channel, limitMs: number): Promise<void> {
  try {
    await within(limitMs, channel.close());
  } catch {
    // Closed already.
  }
}

/** An RPC of a half-open connection is never answered, and never rejected when heartbeats are off. */
export async function answered<T>(call: Promise<T>, what: string): Promise<T> {
  const outcome = await within(ANSWER_LIMIT_MS, call.then((value) => ({ value })));
  if (outcome === undefined) {
    throw new BrokerUnavailableError(`The broker did not answer ${what} within ${ANSWER_LIMIT_MS / 1000} s.`, { what });
  }
  return outcome.value;
}

function watch<C extends Channel>(channel: C, listener: ChannelListener): C {
  let closure: ChannelClosure | undefined;
  channel.on('error', (error: Error & { code?: unknown }) => {
    closure ??= { code: typeof error.code === 'number' ? error.code : undefined, text: error.message };
  });
  channel.on('close', () => listener.closed(closure ?? { code: undefined, text: 'the channel was closed' }));
  channel.on('handler-error', (error: Error, event: string) => listener.warning(`A listener of a channel's "${event}" event failed: ${error.message}`));
  return channel;
}
