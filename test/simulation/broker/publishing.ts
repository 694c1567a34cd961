import type { Address, Message, PublishOptions } from '../../../lib/brokers/broker.js';
import { BrokerUnavailableError, PublishTimeoutError, ShutdownError, TaskRejectedError, UnroutableTaskError, type DispatcherError } from '../../../lib/errors.js';
import { clock } from '../../../lib/time/clock.js';
import type { Link } from '../link.js';
import type { World } from '../world.js';
import type { Outgoing } from './outgoing.js';
import type { BrokerServer } from './server.js';

export interface PublishingOptions {
  readonly exchange: string;
  readonly publishTimeoutMs: number;
  /** How often the server says no, from 0 to 1. */
  readonly refusals: number;
  /** Planted: what was sent is taken for confirmed. */
  readonly confirmsIgnored?: boolean | undefined;
}

/** What a process publishes: sent again, in its order, on the next connection where it was not confirmed. */
export class Publishing {
  private readonly outgoing = new Set<Outgoing>();
  private link: Link | undefined;
  private isBlocked = false;
  private isClosing = false;
  private onIdle: (() => void) | undefined;

  constructor(private readonly world: World, private readonly server: BrokerServer, private readonly options: PublishingOptions) {}

  publish(message: Message, address: Address, options: PublishOptions | undefined): Promise<void> {
    if (this.isClosing) return Promise.reject(new ShutdownError('The broker was closed.'));
    const { publishTimeoutMs } = this.options;
    const delayMs = options?.delayMs ?? 0;
    return new Promise((resolve, reject) => {
      const outgoing: Outgoing = {
        // The caller may use its buffer again.
        message: { body: Buffer.from(message.body), properties: { ...message.properties } }, address, dueAt: delayMs > 0 ? clock.elapsed() + delayMs : undefined, isSent: false,
        timer: clock.setTimeout(() => this.settle(outgoing, notInTime(outgoing)), publishTimeoutMs), resolve, reject,
      };
      this.outgoing.add(outgoing);
      if (this.link !== undefined && !this.isBlocked) this.send(this.link, outgoing);
    });
  }

  connected(link: Link): void {
    this.link = link;
    this.isBlocked = false;
    for (const outgoing of this.outgoing) this.send(link, outgoing);
  }

  lost(): void {
    this.link = undefined;
  }

  setBlocked(isBlocked: boolean): void {
    this.isBlocked = isBlocked;
    if (!isBlocked && this.link !== undefined) for (const outgoing of this.outgoing) if (!outgoing.isSent) this.send(this.link, outgoing);
  }

  async close(limitMs: number): Promise<void> {
    this.isClosing = true;
    if (this.outgoing.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = clock.setTimeout(resolve, limitMs);
        this.onIdle = () => { clock.clear(timer); resolve(); };
      });
    }
    for (const outgoing of this.outgoing) this.settle(outgoing, outgoing.isSent ? notInTime(outgoing) : new ShutdownError('The broker was closed.'));
  }

  private send(link: Link, outgoing: Outgoing): void {
    const { message, address, dueAt } = outgoing;
    const id = message.properties.messageId ?? '';
    outgoing.isSent = true;
    link.send(`publish ${id}${dueAt === undefined ? '' : ' delayed'}`, () => {
      const outcome = this.take(message, address, dueAt);
      link.answer(`${outcome} ${id}`, () => this.settle(outgoing, outcome === 'confirm' ? undefined : refusal(outcome, address)));
    });
    if (this.options.confirmsIgnored === true) this.settle(outgoing, undefined);
  }

  private take(message: Message, address: Address, dueAt: number | undefined): 'confirm' | 'nack' | 'return' {
    if (this.world.chance.next() < this.options.refusals) return 'nack';
    const delayMs = dueAt === undefined ? 0 : dueAt - this.world.elapsed();
    return this.server.publish(this.options.exchange, message, address, delayMs) ? 'confirm' : 'return';
  }

  private settle(outgoing: Outgoing, error: DispatcherError | undefined): void {
    if (!this.outgoing.delete(outgoing)) return;
    clock.clear(outgoing.timer);
    if (error === undefined) outgoing.resolve();
    else outgoing.reject(error);
    if (this.outgoing.size === 0) this.onIdle?.();
  }
}

function refusal(outcome: 'nack' | 'return', address: Address): DispatcherError {
  return outcome === 'nack' ? new TaskRejectedError('The broker said no.') : new UnroutableTaskError(`No queue takes ${JSON.stringify(address)}.`);
}

function notInTime({ isSent }: Outgoing): DispatcherError {
  return isSent ? new PublishTimeoutError('It was not confirmed in time.') : new BrokerUnavailableError('It was not sent in time.');
}
