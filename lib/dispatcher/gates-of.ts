import type { EventSink } from '../events/dispatcher-event.js';
import { CancelGate, type CancelReasonOf } from '../worker/gates/cancel-gate.js';
import { CrashGate } from '../worker/gates/crashes/crash-gate.js';
import type { Quarantine } from '../worker/gates/crashes/quarantine.js';
import type { OnceGate } from '../worker/gates/once/once-gate.js';
import type { TaskGate } from '../worker/gates/task-gate.js';
import { UniqueGate } from '../worker/gates/unique-gate.js';
import { LimitsGate } from '../worker/limits/shared/limits-gate.js';
import type { SharedLimits } from '../worker/limits/shared/shared-limits.js';
import { DEFAULT_MAX_REDELIVERIES, type WorkerConfig } from '../worker/worker-config.js';
import type { SharedState } from './shared-state.js';

/** What gates share with the rest of a dispatcher. */
export interface GateSources {
  readonly calledOff: CancelReasonOf;
  readonly once: OnceGate;
  readonly shared: SharedState;
  readonly limits: SharedLimits;
  readonly quarantine: Quarantine;
  readonly workflows: TaskGate;
  readonly emit: EventSink;
}

/**
 * What deliveries of a worker pass before they run, from the outermost in: what is called off needs no lock, what has
 * been started elsewhere needs no place, and a place is held for as short as possible. A run is said to have begun when
 * all of them let it in, and to have ended when its workflow was carried on: should that crash, it counts. A workflow
 * hears last how a task was let in, and first how it ended.
 */
export function gatesOf({ name, maxRedeliveries = DEFAULT_MAX_REDELIVERIES }: WorkerConfig, { calledOff, once, shared, limits, quarantine, workflows, emit }: GateSources): TaskGate[] {
  const backend = () => shared.backend();
  const onRefusal = (error: Error): void => emit({
    type: 'worker.problem', worker: name, error,
    message: 'Crashes cannot be counted, because what processes share refuses it: a task that crashes its process is run again and again.',
  });
  return [
    new CancelGate(calledOff, 'others'), once, new CancelGate(calledOff, 'leased'), new LimitsGate(limits), new UniqueGate(backend),
    new CrashGate(backend, { maxRedeliveries, quarantine, onRefusal }), workflows,
  ];
}

/** Those that keep something for a task which no worker will ever run: they are told, in the same order, when it is taken away. */
export function gatesOfRemoved({ once, shared, workflows }: Pick<GateSources, 'once' | 'shared' | 'workflows'>): TaskGate[] {
  return [once, new UniqueGate(() => shared.backend()), workflows];
}
