import type { QueueDeclaration } from '../../brokers/broker.js';
import type { Workflows } from '../../workflows/workflows.js';
import type { Application } from '../application.js';
import type { TaskResults } from '../results/task-results.js';
import type { Scheduling } from '../scheduling.js';
import type { SharedState } from '../shared-state.js';
import type { Signals } from '../signals.js';
import type { UniqueKeys } from '../unique-keys.js';
import type { WorkerRegistry } from '../worker-registry.js';
import { Inspecting, type InspectingDependencies } from './inspecting.js';

/** Those of a dispatcher that are looked at. */
export interface PartsOfInspecting extends Pick<InspectingDependencies, 'config' | 'broker' | 'formats' | 'control' | 'operations' | 'deadLetters' | 'ready' | 'emit' | 'events'> {
  readonly application: Pick<Application, 'nestVersion'>;
  readonly workers: Pick<WorkerRegistry, 'list'>;
  readonly placement: { readonly queues: readonly QueueDeclaration[] };
  readonly results: Pick<TaskResults, 'record'>;
  readonly signals: Pick<Signals, 'suspended'>;
  readonly scheduling: Pick<Scheduling, 'schedules'>;
  readonly shared: Pick<SharedState, 'backend'>;
  readonly uniqueKeys: Pick<UniqueKeys, 'claim'>;
  readonly workflows: Pick<Workflows, 'list'>;
}

export function inspectingOver(parts: PartsOfInspecting, contract: InspectingDependencies['contract']): Inspecting {
  const { broker, config, formats, application: { nestVersion }, control, operations, deadLetters, results, signals, scheduling: { schedules }, shared, uniqueKeys, workflows, ready, emit, events } = parts;
  return new Inspecting({
    config, broker, formats, nestVersion, workers: () => parts.workers.list(), control, operations, queues: () => parts.placement.queues, deadLetters,
    record: (uuid) => results.record(uuid), suspended: (uuid) => signals.suspended(uuid), schedules: () => schedules.list(), backend: () => shared.backend(), claim: (key) => uniqueKeys.claim(key), contract, workflows: (list) => workflows.list(list), ready, emit, events,
  });
}
