import type { Broker, QueueDeclaration } from '../../brokers/broker.js';
import type { DeadLetterQueues } from '../../dead-letters/dead-letter-queues.js';
import { clock } from '../../time/clock.js';
import type { ControlNotes } from '../control-notes.js';
import type { Inspecting } from '../inspecting/inspecting.js';
import type { Operations } from '../operations.js';
import type { Publishing } from '../publishing/publishing.js';
import type { Scheduling } from '../scheduling.js';
import type { TaskFormats } from '../task-formats.js';
import type { WorkerRegistry } from '../worker-registry.js';
import { Actions, type ActionsDependencies } from './actions.js';
import { DeadLetterActions } from './dead-letter-actions.js';
import { KnownNames } from './known-names.js';
import { TaskFinder } from './task-finder.js';

/** Those of a dispatcher that actions are made of. */
export interface PartsOfActions extends Pick<ActionsDependencies, 'workflows' | 'audited' | 'ready'> {
  readonly broker: Broker;
  readonly config: { readonly exchange: string };
  readonly control: Pick<ControlNotes, 'failureNotes' | 'limits'>;
  readonly scheduling: Pick<Scheduling, 'untold'>;
  readonly publishing: Pick<Publishing, 'publishMany'>;
  readonly formats: Pick<TaskFormats, 'readingOf'>;
  readonly inspecting: Pick<Inspecting, 'inspection' | 'redaction'>;
  readonly workers: Pick<WorkerRegistry, 'list'>;
  readonly placement: { readonly queues: readonly QueueDeclaration[] };
  readonly deadLetterQueues: DeadLetterQueues;
}

/** @param operations of which nothing is told */
export function actionsOver(parts: PartsOfActions, operations: Operations): Actions {
  const { broker, config: { exchange }, inspecting: { inspection, redaction }, workflows, audited, ready } = parts;
  // Where tasks belong is known once there are providers.
  const queues = (): readonly QueueDeclaration[] => parts.placement.queues;
  const names = new KnownNames({ processes: () => inspection.processes(), queues });
  return new Actions({
    operations, names, workflows, audited, ready, failureNotes: parts.control.failureNotes, limits: parts.control.limits, schedules: parts.scheduling.untold, now: clock.now,
    workers: () => parts.workers.list(), publishMany: (tasks) => parts.publishing.publishMany(tasks), delayed: () => broker.delayedCount(),
    deadLetters: new DeadLetterActions({ broker, exchange, names, deadLetters: parts.deadLetterQueues }),
    tasks: new TaskFinder({ broker, inspection, operations, names, formatOf: (queue) => parts.formats.readingOf(queue), redaction }),
  });
}
