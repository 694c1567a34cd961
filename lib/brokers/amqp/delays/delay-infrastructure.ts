import type { Channel, ChannelModel } from 'amqplib';
import { declareInOneOf, ownForms, QUORUM } from '../../../amqp/queue-forms.js';
import { withChannel } from '../../../amqp/open-channel.js';
import { declarationFailure } from '../topology/declaration-failure.js';
import { declareOrFind } from '../topology/declare-or-find.js';
import { ownQuorumForms } from '../topology/queue-arguments.js';
import { serverVersion } from '../topology/server-version.js';
import { DELAY_LEVELS, dueName, duePattern, FORWARDED, levelMs, levelName, levelPattern, LOW_LEVELS, NEAR_KEY, nearName, STRAY_PATTERN, undeliveredName } from './delay-ladder.js';
import { declareWheel } from './wheel/wheel-infrastructure.js';

/**
 * A classic queue forgets a message before the next level has it on disk: a kill of the server at
 * that moment loses it (2 in 100 of a full ladder, when tried). These three together do not.
 */
const AT_LEAST_ONCE = { ...QUORUM, 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' } as const;

/**
 * What nobody takes from the near queue within this leaves it for the end of the ladder, where processes of earlier versions take it too:
 * they do not know of the near queue. Longer than a restart of the server takes.
 */
const NEAR_KEPT_MS = 60_000;

/**
 * Where a message waits: in the queue of what is due soon, in the buckets of the timing wheel, or on the ladder; `low` are its lower
 * levels, where large bodies wait the last of their delay.
 */
export type Way = 'near' | 'wheel' | 'ladder' | 'low';

const DECLARED: Readonly<Record<Way, (model: ChannelModel, exchange: string) => Promise<void>>> = {
  near: declareNear,
  wheel: async (model, exchange) => {
    await declareEnd(model, exchange);
    await declareWheel(model, exchange);
  },
  ladder: (model, exchange) => declareLadder(model, exchange, DELAY_LEVELS),
  low: (model, exchange) => declareLadder(model, exchange, LOW_LEVELS),
};

/** Declares what a message needs to wait when the first one does, and looks whether destinations are there. */
export class DelayInfrastructure {
  private ways: Partial<Record<Way, Promise<void>>> = {};
  private queues = new Map<string, Promise<void>>();
  private declaredFor: ChannelModel | undefined;
  /** By which ways some message was ever sent: only these are worth repairing. */
  private readonly used = new Set<Way>();

  constructor(private readonly exchange: string) {}

  /** After this a message that goes there reaches the forwarder when it is due. @throws BrokerError when there is no such queue */
  async prepare(model: ChannelModel, way: Way, queue: string | undefined): Promise<void> {
    this.used.add(way);
    if (this.declaredFor !== model) this.forget(model);
    await this.declare(model, way);
    if (queue === undefined) return;
    let present = this.queues.get(queue);
    if (present === undefined) {
      present = this.once(findQueue(model, queue), () => this.queues.delete(queue));
      this.queues.set(queue, present);
    }
    await present;
  }

  /** What the forwarder needs: nothing before it is declared for those who never delay. */
  async declareEnd(model: ChannelModel): Promise<void> {
    await declareEnd(model, this.exchange);
  }

  /** What the keepers of the timing wheel need, in every process. */
  async declareWheel(model: ChannelModel): Promise<void> {
    await DECLARED.wheel(model, this.exchange);
  }

  /** What its consumer needs, in every process. */
  async declareNear(model: ChannelModel): Promise<void> {
    await declareNear(model, this.exchange);
  }

  /** Somebody deleted something: declares again what was in use. */
  async repair(model: ChannelModel): Promise<void> {
    this.forget(model);
    for (const way of this.used) await this.declare(model, way);
  }

  private async declare(model: ChannelModel, way: Way): Promise<void> {
    this.ways[way] ??= this.once(DECLARED[way](model, this.exchange), () => { delete this.ways[way]; });
    await this.ways[way];
  }

  private forget(model: ChannelModel): void {
    this.declaredFor = model;
    this.ways = {};
    this.queues = new Map();
  }

  private async once(work: Promise<void>, failed: () => void): Promise<void> {
    try {
      await work;
    } catch (error) {
      failed();
      throw error;
    }
  }
}

/** From the end to the beginning, so that a message can never enter what leads nowhere yet. */
async function declareLadder(model: ChannelModel, exchange: string, levels: number): Promise<void> {
  await declareEnd(model, exchange);
  await declareOrFind(model, {
    what: `the delay ladder of exchange "${exchange}"`,
    declare: async (channel) => {
      for (let level = 0; level < levels; level++) await declareLevel(channel, exchange, level);
    },
    // The last that is made: with it, all are there.
    find: (channel) => channel.checkQueue(levelName(exchange, levels - 1)),
  }, () => undefined);
}

/** What expires in it, or comes back too often, goes to the end of the ladder, at least once. */
async function declareNear(model: ChannelModel, exchange: string): Promise<void> {
  await declareEnd(model, exchange);
  const name = nearName(exchange);
  const forms = ownQuorumForms(dueName(exchange), serverVersion(model)).filter((form) => 'x-overflow' in form);
  await declareInOneOf(forms, (form) => declareOrFind(model, {
    what: `the queue of what is due soon on exchange "${exchange}"`,
    declare: async (channel) => {
      await channel.assertExchange(name, 'direct', { durable: true });
      await channel.assertQueue(name, { durable: true, messageTtl: NEAR_KEPT_MS, arguments: form });
      await channel.bindQueue(name, name, NEAR_KEY);
    },
    find: (channel) => channel.checkQueue(name),
  }, () => undefined));
}

async function declareEnd(model: ChannelModel, exchange: string): Promise<void> {
  const [due, undelivered] = [dueName(exchange), undeliveredName(exchange)];
  // What a policy removes from one of them is put into the other.
  await declareOwn(model, undelivered, due);
  await declareOwn(model, due, undelivered);
  await declareOrFind(model, {
    what: `the end of the delay ladder of exchange "${exchange}"`,
    declare: async (channel) => {
      await channel.assertExchange(undelivered, 'fanout', { durable: true });
      await channel.bindQueue(undelivered, undelivered, '');
      await channel.assertExchange(due, 'topic', { durable: true, alternateExchange: undelivered });
      await channel.bindQueue(due, due, duePattern(FORWARDED));
      await channel.bindQueue(due, due, STRAY_PATTERN);
    },
    find: (channel) => channel.checkQueue(due),
  }, () => undefined);
}

async function declareOwn(model: ChannelModel, queue: string, target: string): Promise<void> {
  await declareInOneOf(ownForms(target), (form) => declareOrFind(model, {
    what: `Queue "${queue}"`,
    declare: (channel) => channel.assertQueue(queue, { durable: true, arguments: form }),
    find: (channel) => channel.checkQueue(queue),
  }, () => undefined));
}

async function declareLevel(channel: Channel, exchange: string, level: number): Promise<void> {
  const name = levelName(exchange, level);
  const below = level === 0 ? dueName(exchange) : levelName(exchange, level - 1);
  await channel.assertExchange(name, 'topic', { durable: true });
  // No dead-letter routing key: the original one holds the bits.
  await channel.assertQueue(name, { durable: true, messageTtl: levelMs(level), deadLetterExchange: below, arguments: AT_LEAST_ONCE });
  await channel.bindExchange(below, name, levelPattern(level, 0));
  await channel.bindQueue(name, name, levelPattern(level, 1));
}

async function findQueue(model: ChannelModel, queue: string): Promise<void> {
  try {
    await withChannel(model, async (channel) => {
      await channel.checkQueue(queue);
    });
  } catch (error) {
    // Newer servers answer this question only to whoever may make the queue; what is not there then, is known when it is due.
    if ((error as { code?: unknown }).code !== 403) throw declarationFailure(error, `queue "${queue}"`);
  }
}
