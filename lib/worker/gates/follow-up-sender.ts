import type { Broker } from '../../brokers/broker.js';
import { InvalidTaskError, UnroutableTaskError } from '../../errors.js';
import type { FollowUp } from '../../formats/format.js';
import { messageOf } from '../../task/error-text.js';
import { undeliveredHeaders } from '../../task/undelivered.js';
import { clock } from '../../time/clock.js';
import type { TaskVisit } from './task-gate.js';

export interface FollowUpSenderDependencies {
  readonly broker: Pick<Broker, 'publish' | 'declare'>;
  /** The main one. */
  readonly exchange: string;
  /** Of the worker. */
  readonly deadLetterQueue: string;
  /** Before a task of this format is sent: its own system may want to know. */
  readonly announce: (format: string, followUp: FollowUp) => Promise<void>;
  /** As it is to travel: compressed, encrypted, signed. Default: as it is. */
  readonly seal?: (format: string, followUp: FollowUp) => FollowUp['message'];
  readonly warn: (message: string) => void;
}

/** Sends what follows a task of another system. What cannot be sent becomes a dead letter of the worker's queue, and is warned of. */
export class FollowUpSender {
  constructor(private readonly dependencies: FollowUpSenderDependencies) {}

  /** Resolves when the broker has all of them. */
  async sendAll(followUps: readonly FollowUp[], visit: TaskVisit): Promise<void> {
    for (const followUp of followUps) {
      if (followUp.problem === undefined) await this.dependencies.announce(visit.arrived?.format ?? '', followUp);
      await this.send({ ...followUp, message: this.dependencies.seal?.(visit.arrived?.format ?? '', followUp) ?? followUp.message }, visit);
    }
  }

  private async send(followUp: FollowUp, visit: TaskVisit): Promise<void> {
    const { message, to = { queue: visit.queue }, notBefore, problem } = followUp;
    if (problem !== undefined) return this.bury(followUp, visit, problem);
    const options = notBefore === undefined ? undefined : { delayMs: Math.max(0, notBefore - clock.now()) };
    try {
      await this.dependencies.broker.publish(message, 'queue' in to ? to : { routingKey: to.routingKey }, options);
    } catch (error) {
      const isUnroutable = error instanceof UnroutableTaskError;
      if (!isUnroutable && !(error instanceof InvalidTaskError)) throw error;
      if (isUnroutable && 'routingKey' in to && to.isOwnPlace === true) return this.send({ ...followUp, to: { queue: visit.queue } }, visit);
      await this.bury(followUp, visit, `${isUnroutable ? 'No queue takes it' : 'The broker does not take it'}: ${messageOf(error)}`);
    }
  }

  /** From there it can be replayed, once what is missing is there. */
  async bury({ name, message: { body, properties }, to = { queue: '' } }: Pick<FollowUp, 'name' | 'message' | 'to'>, visit: TaskVisit, problem: string): Promise<void> {
    const { broker, exchange, warn } = this.dependencies;
    const place = 'routingKey' in to ? { exchange, routingKey: to.routingKey } : { exchange: '', routingKey: to.queue === '' ? visit.queue : to.queue };
    const text = `Task "${name}", which follows task "${visit.name}" (${visit.uuid}), was not sent. ${problem}`;
    const message = { body, properties: { ...properties, headers: undeliveredHeaders(properties.headers, { ...place, problem: text, at: clock.date() }) } };
    const { deadLetterQueue: queue } = this.dependencies;
    warn(`${text} It is in the queue "${queue}".`);
    try {
      await broker.publish(message, { queue });
    } catch (error) {
      if (!(error instanceof UnroutableTaskError)) throw error;
      await broker.declare({ queues: [{ name: queue }] });
      await broker.publish(message, { queue });
    }
  }
}
