import type { ChannelModel } from 'amqplib';
import { CLASSIC, declareInOneOf, QUORUM, type QueueArguments } from '../../../amqp/queue-forms.js';
import type { QueueDeclaration, QueueType, Topology } from '../../broker.js';
import { twoOwnersWarning } from '../../../task/two-owners.js';
import { BrokerRefusedError, BrokerUnavailableError, type DispatcherError } from '../../../errors.js';
import { withChannel } from '../../../amqp/open-channel.js';
import { adoptionWarning } from './adoption.js';
import { otherOwner } from './other-owner.js';
import { declarationFailure } from './declaration-failure.js';
import { declareOrFind } from './declare-or-find.js';
import { queueForms } from './queue-arguments.js';
import { serverVersion } from './server-version.js';

export interface TopologyListener {
  failed(error: DispatcherError): void;
  warning(message: string): void;
}

/** Declares what it is told, and remembers it, so that a broker which lost it gets it again. */
export class TopologyRegister {
  private readonly queues = new Map<string, QueueDeclaration>();
  private readonly types = new Map<string, QueueType>();
  /** One for each name that was declared here, at most two. */
  private readonly told = new Set<string>();

  constructor(
    private readonly exchange: string,
    private readonly listener: TopologyListener,
  ) {}

  /** What a queue that was declared here really is, which may be another than it was asked for; `undefined` for others. */
  typeOf(queue: string): QueueType | undefined {
    return this.types.get(queue);
  }

  /** @throws TopologyMismatchError, BrokerRefusedError, BrokerUnavailableError; nothing is remembered then */
  async declare(model: ChannelModel, topology: Topology): Promise<void> {
    await this.declareExchange(model);
    for (const queue of topology.queues) {
      const merged = merge(this.queues.get(queue.name), queue);
      await this.declareQueue(model, merged);
      this.queues.set(queue.name, merge(this.queues.get(queue.name), queue));
    }
  }

  /** Direct and durable, without arguments, as gofort declares it. */
  async declareExchange(model: ChannelModel): Promise<void> {
    await declareOrFind(model, {
      what: `Exchange "${this.exchange}"`,
      declare: (channel) => channel.assertExchange(this.exchange, 'direct', { durable: true }),
      find: (channel) => channel.checkExchange(this.exchange),
    }, (message) => this.warnOnce(message));
  }

  /** After a reconnect. What cannot be declared is reported and left out: the rest must work on. */
  async redeclareAll(model: ChannelModel): Promise<void> {
    await this.tolerating(() => this.declareExchange(model));
    for (const queue of this.queues.values()) await this.tolerating(() => this.declareQueue(model, queue));
  }

  /** When a queue's consumer was lost. A queue that was never declared here is left to its owner. */
  async redeclare(model: ChannelModel, name: string): Promise<void> {
    const queue = this.queues.get(name);
    if (queue === undefined) return;
    await this.declareExchange(model);
    await this.declareQueue(model, queue);
  }

  private async declareQueue(model: ChannelModel, queue: QueueDeclaration): Promise<void> {
    const form = await this.found(model, queue);
    this.types.set(queue.name, form['x-queue-type'] === 'quorum' ? 'quorum' : 'classic');
    const warning = adoptionWarning(queue, form, serverVersion(model));
    if (warning !== undefined) this.warnOnce(warning);
    await this.bind(model, queue);
  }

  private async bind(model: ChannelModel, queue: QueueDeclaration): Promise<void> {
    const keys = queue.bindingKeys ?? [];
    if (keys.length === 0) return;
    const what = `Binding of queue "${queue.name}"`;
    try {
      await withChannel(model, async (channel) => {
        for (const key of keys) await channel.bindQueue(queue.name, this.exchange, key);
      });
    } catch (error) {
      const failure = declarationFailure(error, what);
      // The server cannot be asked for a binding: where it is missing, publishing says so.
      if (!(failure instanceof BrokerRefusedError)) throw failure;
      this.warnOnce(`${failure.message} Its bindings (${keys.join(', ')}) are taken to exist.`);
    }
  }

  /** Again after each reconnect would tell nobody anything. */
  private warnOnce(message: string): void {
    if (this.told.has(message)) return;
    this.told.add(message);
    this.listener.warning(message);
  }

  /** Makes it, or takes it as it is found. */
  private async found(model: ChannelModel, queue: QueueDeclaration): Promise<QueueArguments> {
    const declare = (form: QueueArguments): Promise<void> => declareOrFind(model, {
      what: `Queue "${queue.name}"`,
      declare: (channel) => channel.assertQueue(queue.name, { durable: true, arguments: form }),
      find: (channel) => channel.checkQueue(queue.name),
    }, (message) => this.warnOnce(message));
    const form = await this.inItsForm(model, queue, declare);
    // Declared without a type, it has one all the same.
    return form['x-queue-type'] === undefined ? await declareInOneOf([CLASSIC, QUORUM], declare) : form;
  }

  private async inItsForm(model: ChannelModel, queue: QueueDeclaration, declare: (form: QueueArguments) => Promise<void>): Promise<QueueArguments> {
    try {
      return await declareInOneOf(queueForms(queue, this.exchange, serverVersion(model)), declare);
    } catch (error) {
      const owner = otherOwner(queue, error);
      if (owner === undefined) throw error;
      this.warnOnce(twoOwnersWarning(`Queue "${queue.name}"`, owner, this.exchange));
      return declareInOneOf(queueForms(queue, owner, serverVersion(model)), declare);
    }
  }

  private async tolerating(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      if (error instanceof BrokerUnavailableError) throw error;
      this.listener.failed(error as DispatcherError);
    }
  }
}

function merge(known: QueueDeclaration | undefined, added: QueueDeclaration): QueueDeclaration {
  const keys = new Set([...(known?.bindingKeys ?? []), ...(added.bindingKeys ?? [])]);
  return { ...known, ...added, bindingKeys: [...keys] };
}
