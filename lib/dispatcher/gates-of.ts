import { v5 as uuidFrom } from 'uuid';
import type { Broker } from '../brokers/broker.js';
import type { EventSink } from '../events/dispatcher-event.js';
import { deadLetterQueueOf } from '../task/dead-letter-queue.js';
import { CancelGate, type CancelReasonOf } from '../worker/gates/cancel-gate.js';
import { CrashGate } from '../worker/gates/crashes/crash-gate.js';
import type { Quarantine } from '../worker/gates/crashes/quarantine.js';
import type { OnceGate } from '../worker/gates/once/once-gate.js';
import type { TaskGate } from '../worker/gates/task-gate.js';
import { EdgeGates } from '../worker/gates/edges/edge-gates.js';
import { FollowUpGate } from '../worker/gates/follow-up-gate.js';
import { FollowUpSender } from '../worker/gates/follow-up-sender.js';
import { ForeignResultsGate } from '../worker/gates/foreign-results-gate.js';
import { OrderGate } from '../worker/gates/order/order-gate.js';
import type { OrderLines } from '../worker/gates/order/order-lines.js';
import { UniqueGate } from '../worker/gates/unique-gate.js';
import { StepsGate } from '../worker/steps/steps-gate.js';
import type { Steps } from '../worker/steps/steps.js';
import { LimitsGate } from '../worker/limits/shared/limits-gate.js';
import type { SharedLimits } from '../worker/limits/shared/shared-limits.js';
import { DEFAULT_MAX_REDELIVERIES, type WorkerConfig } from '../worker/worker-config.js';
import type { SharedState } from './shared-state.js';
import type { ForeignSystems } from './results/foreign-systems.js';
import type { TaskFormats } from './task-formats.js';

/** Under it the uuids of tasks are made that follow others and have none. */
const FOLLOW_UPS = '0b6c1c1e-6a0e-4d43-9d5c-7f3f1d0c5a11';

/** What gates share with the rest of a dispatcher. */
export interface GateSources {
  readonly calledOff: CancelReasonOf;
  readonly once: OnceGate;
  readonly steps: Steps;
  readonly shared: SharedState;
  readonly limits: SharedLimits;
  readonly orders: OrderLines;
  readonly quarantine: Quarantine;
  readonly workflows: TaskGate;
  readonly broker: Broker;
  readonly exchange: string;
  readonly formats: Pick<TaskFormats, 'find' | 'sealedAs'>;
  readonly foreign: Pick<ForeignSystems, 'of' | 'announce' | 'all'>;
  readonly emit: EventSink;
  /** Of the application. */
  readonly own: readonly TaskGate[];
}

/**
 * What deliveries of a worker pass before they run, from the outermost in: what has waited goes on by one of its copies,
 * and is known to have ended when everybody else has heard of it; what is called off needs no lock, what has been started
 * elsewhere, or comes before the end of its window, needs no place, and a place is held for as short as possible. A run is said to have begun when
 * all of them let it in, and to have ended when its workflow was carried on: should that crash, it counts. A workflow,
 * and whatever else follows a task, hears last how it was let in, and first how it ended.
 */
export function gatesOf({ name, queue, maxRedeliveries = DEFAULT_MAX_REDELIVERIES }: WorkerConfig, { calledOff, once, steps, shared, limits, orders, quarantine, workflows, broker, exchange, formats, foreign, emit, own }: GateSources): TaskGate[] {
  const backend = () => shared.backend();
  const onRefusal = (error: Error): void => emit({
    type: 'worker.problem', worker: name, error,
    message: 'Crashes cannot be counted, because what processes share refuses it: a task that crashes its process is run again and again.',
  });
  const uuidOf = (text: string): string => uuidFrom(text, FOLLOW_UPS);
  const warn = (message: string): void => emit({ type: 'broker.warning', message });
  const edges = new EdgeGates(backend);
  const sender = new FollowUpSender({
    broker, exchange, deadLetterQueue: deadLetterQueueOf(queue), warn, announce: (format, followUp) => foreign.announce(format, followUp), seal: (format, followUp) => formats.sealedAs(format, followUp),
  });
  return [
    new StepsGate(steps), new CancelGate(calledOff, 'others'), once, new CancelGate(calledOff, 'leased'), new OrderGate(orders, (visit) => ({ queue: visit.queue, bury: (task, problem) => sender.bury(task, visit, problem) })), edges.look, new LimitsGate(limits), new UniqueGate(backend), edges.start, ...own,
    new CrashGate(backend, { maxRedeliveries, quarantine, onRefusal }), workflows,
    new FollowUpGate({ sender, find: (format) => formats.find(format), uuidOf }),
    ...(foreign.all.length === 0 ? [] : [new ForeignResultsGate({ of: (format) => foreign.of(format), sender, uuidOf, warn })]),
  ];
}

/** Those that keep something for a task which no worker will ever run: they are told, in the same order, when it is taken away. */
export function gatesOfRemoved({ once, steps, shared, orders, workflows }: Pick<GateSources, 'once' | 'steps' | 'shared' | 'orders' | 'workflows'>): TaskGate[] {
  const backend = () => shared.backend();
  return [new StepsGate(steps), once, new OrderGate(orders), new UniqueGate(backend), new EdgeGates(backend).start, workflows];
}
