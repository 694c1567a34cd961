import type { FollowedEnd, Format } from '../../formats/format.js';
import { messageOf } from '../../task/error-text.js';
import type { Task } from '../../task/task.js';
import { clock } from '../../time/clock.js';
import type { FollowUpSender } from './follow-up-sender.js';
import type { Entrance, TaskEnd, TaskGate, TaskVisit } from './task-gate.js';

const RUN: Entrance = { kind: 'run' };

export interface FollowUpGateDependencies {
  readonly sender: Pick<FollowUpSender, 'sendAll'>;
  /** The format of this name, if there is one here. */
  readonly find: (name: string) => Format | undefined;
  /** Made of this text alone. */
  readonly uuidOf: (text: string) => string;
}

/**
 * Sends the tasks that a message of another system says are to follow its own, before the broker is told that it has
 * ended: a worker that dies in between leaves the delivery, and with it all that is still to be sent, to another. They
 * have the same uuids each time.
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
    await this.dependencies.sender.sendAll(format.followUps(taskOf(visit), followed, { now: clock.now(), uuidFor }), visit);
  }
}

/** Whoever calls a task off, or lets it expire, wants nothing of it any more. */
function followedEnd(end: TaskEnd): FollowedEnd | undefined {
  if (end.kind === 'succeeded') return { kind: 'succeeded', value: end.value };
  return end.kind === 'failed' ? { kind: 'failed', error: messageOf(end.error) } : undefined;
}

export function taskOf({ uuid, name, args, headers, arrived }: TaskVisit): Task {
  return { uuid, name, args: [...args], headers, ...(arrived === undefined ? {} : { arrived }) };
}
