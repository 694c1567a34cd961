import type { Broker } from '../../brokers/broker.js';
import { InvalidTaskError, UnroutableTaskError } from '../../errors.js';
import type { FollowedEnd, FollowUp, Format } from '../../formats/format.js';
import { messageOf } from '../../task/error-text.js';
import type { Task } from '../../task/task.js';
import { undeliveredHeaders } from '../../task/undelivered.js';
import { clock } from '../../time/clock.js';
import type { Entrance, TaskEnd, TaskGate, TaskVisit } from './task-gate.js';

const RUN: Entrance = { kind: 'run' };

export interface FollowUpGateDependencies {
  readonly broker: Pick<Broker, 'publish' | 'declare'>;
  /** The main one. */
  readonly exchange: string;
  /** Of the worker. */
  readonly deadLetterQueue: string;
  /** The format of this name, if there is one here. */
  readonly find: (name: string) => Format | undefined;
  /** Made of this text alone. */
  readonly uuidOf: (text: string) => string;
  readonly warn: (message: string) => void;
}

/**
 * Sends the tasks that a message of another system says are to follow its own, before the broker is told that it has
 * ended: a worker that dies in between leaves the delivery, and with it all that is still to be sent, to another. They
 * have the same uuids each time. What cannot be sent becomes a dead letter of the worker's queue, and is warned of.
 */
export class FollowUpGate implements TaskGate {
  readonly name = 'tasks that follow';

  constructor(private readonly dependencies: FollowUpGateDependencies) {}

  concerns({ arrived }: TaskVisit): boolean {
    return arrived?.hasFollowUps === true;
  }

  enter(): Promise<Entrance> {
    return Promise.resolve(RUN);
  }

  async leave(visit: TaskVisit, end: TaskEnd): Promise<void> {
    const followed = followedEnd(end);
    const format = visit.arrived && this.dependencies.find(visit.arrived.format);
    if (followed === undefined || format?.followUps === undefined) return;
    const uuidFor = (place: string): string => this.dependencies.uuidOf(`${visit.uuid} ${place}`);
    for (const followUp of format.followUps(taskOf(visit), followed, { now: clock.now(), uuidFor })) await this.send(followUp, visit);
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
  private async bury({ name, message: { body, properties }, to = { queue: '' } }: FollowUp, visit: TaskVisit, problem: string): Promise<void> {
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

/** Whoever calls a task off, or lets it expire, wants nothing of it any more. */
function followedEnd(end: TaskEnd): FollowedEnd | undefined {
  if (end.kind === 'succeeded') return { kind: 'succeeded', value: end.value };
  return end.kind === 'failed' ? { kind: 'failed', error: messageOf(end.error) } : undefined;
}

function taskOf({ uuid, name, args, headers, arrived }: TaskVisit): Task {
  return { uuid, name, args: [...args], headers, ...(arrived === undefined ? {} : { arrived }) };
}
