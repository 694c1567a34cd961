import type { Channel, ConfirmChannel, GetMessage, Options } from 'amqplib';
import { classifyConnectionFailure } from '../../amqp/connection-failure.js';
import { answered, closeChannel, openConfirmChannel } from '../../amqp/open-channel.js';
import { BrokerUnavailableError, DispatcherError, ResultBackendError } from '../../errors.js';
import { isCompleted, readMachineryState, writeMachineryState, type MachineryState } from '../../formats/machinery/task-state.js';
import type { StopWatching } from '../../state/state-backend.js';
import type { AmqpLink } from '../amqp/amqp-link.js';
import { pollFor } from '../polling.js';
import type { GroupEnd, GroupMember, MachineryStore } from './machinery-store.js';

export interface AmqpMachineryOptions {
  /** Of the tasks: machinery routes states by it too. */
  readonly exchange: string;
  readonly expiresInMs: number;
}

/** What is read is gone from its queue: what was read last is remembered of so many. */
const MOST_REMEMBERED = 10_000;
const CLOSE_LIMIT_MS = 2_000;

/**
 * States and groups in queues named by their uuids, as machinery's AMQP backend has them: each change is a message, and
 * whoever reads one takes it away. So only one can wait for a result, and nobody learns of one that another has read.
 */
export class AmqpMachineryStore implements MachineryStore {
  private readonly known = new Map<string, MachineryState>();
  /** Of members that send the callback of their group: all members, until it is sent. */
  private readonly held = new Map<string, { readonly channel: Channel; readonly messages: readonly GetMessage[] }>();
  private opening: Promise<ConfirmChannel> | undefined;

  constructor(private readonly link: AmqpLink, private readonly options: AmqpMachineryOptions) {}

  setPending(state: MachineryState): Promise<void> {
    return this.write([state]);
  }

  async write(states: readonly MachineryState[]): Promise<void> {
    for (const state of states) await this.ask(async (channel) => this.send(channel, state.TaskUUID, state));
  }

  read(uuid: string): Promise<MachineryState | undefined> {
    return this.ask(async (channel) => {
      await this.declare(channel, uuid);
      for (const message of await takeAll(channel, uuid, { noAck: true })) this.remember(readMachineryState(message.content));
      return this.known.get(uuid);
    });
  }

  watch(uuid: string, onState: (state: MachineryState) => void, onError: (error: Error) => void): StopWatching {
    return pollFor(() => this.read(uuid), (one, other) => one.State === other.State, onState, onError);
  }

  initGroup(): Promise<void> {
    return Promise.resolve();
  }

  /**
   * The members that have ended are the messages of one queue. They are held while they are looked at, and given back where
   * some are missing; whoever gives them back looks again, so that of several that look at once the last one sees all. What
   * one has written itself and does not see, another holds: it is not written again, since Go counts messages.
   */
  async complete({ uuid, group, count, state }: GroupMember): Promise<GroupEnd> {
    return this.ask(async (channel): Promise<GroupEnd> => {
      await this.declare(channel, group);
      this.giveBackOf(uuid, channel);
      for (let isWritten = false; ;) {
        const held = await takeAll(channel, group);
        const byUuid = new Map(held.map(({ content }) => readMachineryState(content)).map((one) => [one.TaskUUID, one]));
        if (!isWritten && !byUuid.has(uuid)) {
          giveBack(channel, held);
          await this.send(channel, group, state);
          isWritten = true;
          continue;
        }
        const states = [...byUuid.values()].filter(isCompleted);
        if (states.length >= count) {
          this.held.set(uuid, { channel, messages: held });
          return { kind: 'mine', states, sent: () => this.settle(channel, { uuid, group }, held) };
        }
        giveBack(channel, held);
        if ((await answered(channel.checkQueue(group), 'queue.declare')).messageCount <= held.length) return { kind: 'pending' };
      }
    });
  }

  async close(): Promise<void> {
    await this.link.close();
  }

  /** What it held an earlier time, when the callback could not be sent. */
  private giveBackOf(uuid: string, channel: Channel): void {
    const earlier = this.held.get(uuid);
    this.held.delete(uuid);
    if (earlier?.channel === channel) giveBack(channel, earlier.messages);
  }

  private async settle(channel: Channel, { uuid, group }: Pick<GroupMember, 'uuid' | 'group'>, held: readonly GetMessage[]): Promise<void> {
    this.held.delete(uuid);
    for (const message of held) channel.ack(message);
    await this.ask(() => answered(channel.checkQueue(group), 'queue.declare'));
  }

  private async send(channel: ConfirmChannel, queue: string, state: MachineryState): Promise<void> {
    await this.declare(channel, queue);
    channel.publish(this.options.exchange, queue, writeMachineryState(state), { contentType: 'application/json', persistent: true });
    await answered(channel.waitForConfirms(), 'basic.publish');
  }

  private async declare(channel: Channel, queue: string): Promise<void> {
    const { exchange, expiresInMs } = this.options;
    await answered(channel.assertQueue(queue, { durable: false, autoDelete: true, messageTtl: expiresInMs, expires: expiresInMs }), 'queue.declare');
    await answered(channel.bindQueue(queue, exchange, queue), 'queue.bind');
  }

  private remember(state: MachineryState): void {
    this.known.delete(state.TaskUUID);
    this.known.set(state.TaskUUID, state);
    if (this.known.size <= MOST_REMEMBERED) return;
    for (const oldest of this.known.keys()) {
      this.known.delete(oldest);
      return;
    }
  }

  private async ask<T>(work: (channel: ConfirmChannel) => Promise<T>): Promise<T> {
    const opening = this.channel();
    try {
      return await work(await opening);
    } catch (error) {
      if (error instanceof BrokerUnavailableError) await this.drop(opening);
      else if (error instanceof DispatcherError) throw error;
      const failure = classifyConnectionFailure(error, this.link.display);
      throw new ResultBackendError(`States of machinery could not be kept: ${failure.message}`, {}, error, undefined, failure.retryable);
    }
  }

  /** What it holds, the server has back; another one is opened for what comes next. */
  private async drop(opening: Promise<ConfirmChannel>): Promise<void> {
    if (this.opening === opening) this.opening = undefined;
    const channel = await opening.catch(() => undefined);
    if (channel !== undefined) await closeChannel(channel, CLOSE_LIMIT_MS);
  }

  private channel(): Promise<ConfirmChannel> {
    return (this.opening ??= this.open().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    }));
  }

  private async open(): Promise<ConfirmChannel> {
    return openConfirmChannel(await this.link.model(), { closed: () => { this.opening = undefined; }, warning: () => undefined });
  }
}

async function takeAll(channel: Channel, queue: string, options?: Options.Get): Promise<GetMessage[]> {
  const taken: GetMessage[] = [];
  for (;;) {
    const message = await answered(channel.get(queue, options), 'basic.get');
    if (message === false) return taken;
    taken.push(message);
  }
}

function giveBack(channel: Channel, held: readonly GetMessage[]): void {
  for (const message of held) channel.nack(message, false, true);
}
