import type { Channel, ChannelModel, ConfirmChannel } from 'amqplib';
import { BrokerUnavailableError } from '../errors.js';
import { within } from '../time/within.js';

/** What ended a channel: the server's code and text, or neither when the connection went. */
export interface ChannelClosure {
  readonly code: number | undefined;
  readonly text: string;
}

export interface ChannelListener {
  /** Called once, for a channel that was opened; the rest is what opening it rejects with. */
  closed(closure: ChannelClosure): void;
  warning(message: string): void;
}

/** What this uses of amqplib 2 below its API. */
interface RawConnection {
  freshChannel(channel: Channel, options: unknown): number;
}

const ANSWER_LIMIT_MS = 30_000;
const CLOSE_LIMIT_MS = 2_000;

/**
 * Every channel is opened here (the linter sees to it), so that none is without listeners, none is waited for without
 * a limit, and none stays open that nobody waits for any more.
 *
 * @throws BrokerUnavailableError where there is no answer; else what the server or amqplib said, with the server's `code`
 */
export function openChannel(model: ChannelModel, listener: ChannelListener): Promise<Channel> {
  return open(model, () => model.createChannel(), 'channel.open', listener);
}

/** @see openChannel */
export function openConfirmChannel(model: ChannelModel, listener: ChannelListener): Promise<ConfirmChannel> {
  return open(model, () => model.createConfirmChannel(), 'confirm.select', listener);
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

async function open<C extends Channel>(model: ChannelModel, create: () => Promise<C>, what: string, listener: ChannelListener): Promise<C> {
  const watch = new Watch(listener);
  const opening = asItIsMade(model, create, (channel) => watch.over(channel));
  try {
    const channel = await answered(opening, what);
    watch.over(channel);
    watch.opened();
    return channel;
  } catch (error) {
    // Nobody knows of a channel whose answer comes later.
    opening.then((late) => closeChannel(late, CLOSE_LIMIT_MS), () => undefined);
    // What amqplib says of a closed channel is less than what the server said.
    throw watch.failure ?? error;
  }
}

/**
 * amqplib shows a channel only when the server has answered, for one with confirms twice. What closes it in between, or
 * in the same chunk of bytes, would find no listener, and an 'error' without one ends the connection. Where
 * amqplib's insides are not as they were, the channel is seen when amqplib shows it.
 */
function asItIsMade<C extends Channel>(model: ChannelModel, create: () => Promise<C>, made: (channel: Channel) => void): Promise<C> {
  const connection = model.connection as unknown as Partial<RawConnection>;
  const { freshChannel } = connection;
  if (typeof freshChannel !== 'function') return create();
  connection.freshChannel = function numbered(this: RawConnection, channel: Channel, options: unknown): number {
    made(channel);
    return freshChannel.call(this, channel, options);
  };
  try {
    return create();
  } finally {
    connection.freshChannel = freshChannel;
  }
}

/** Hears of one channel from the moment that there is one. */
class Watch {
  /** The first 'error'. */
  failure: (Error & { code?: unknown }) | undefined;
  private channel: Channel | undefined;
  private isClosed = false;
  private isOpen = false;

  constructor(private readonly listener: ChannelListener) {}

  over(channel: Channel): void {
    if (this.channel === channel) return;
    this.channel = channel;
    channel.on('error', (error: Error) => { this.failure ??= error; });
    channel.on('close', () => this.closed());
    channel.on('handler-error', (error: Error, event: string) => this.listener.warning(`A listener of a channel's "${event}" event failed: ${error.message}`));
  }

  /** @throws where it is closed already */
  opened(): void {
    if (this.isClosed) throw new Error('the channel was closed at once');
    this.isOpen = true;
  }

  private closed(): void {
    this.isClosed = true;
    if (!this.isOpen) return;
    const { failure } = this;
    this.listener.closed({ code: typeof failure?.code === 'number' ? failure.code : undefined, text: failure?.message ?? 'the channel was closed' });
  }
}
