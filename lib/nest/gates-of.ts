import { CancelGate, type CancelReasonOf } from '../worker/gates/cancel-gate.js';
import { OnceGate } from '../worker/gates/once/once-gate.js';
import type { TaskGate } from '../worker/gates/task-gate.js';
import { LimitsGate } from '../worker/limits/shared/limits-gate.js';
import type { SharedLimits } from '../worker/limits/shared/shared-limits.js';
import { UniqueGate } from '../worker/gates/unique-gate.js';
import type { SharedState } from './shared-state.js';

/**
 * What deliveries pass before they run, from the outermost in: what is called off needs no lock, what has been
 * started elsewhere needs no place, and a place is held for as short as possible. A workflow hears last how a task
 * was let in, and first how it ended.
 */
export function gatesOf(cancelled: CancelReasonOf, shared: SharedState, limits: SharedLimits, workflows: TaskGate): TaskGate[] {
  return [new CancelGate(cancelled), new OnceGate(() => shared.backend()), new LimitsGate(limits), new UniqueGate(() => shared.backend()), workflows];
}
