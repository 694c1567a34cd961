import type { TaskGates } from './gates/task-gates.js';
import type { ResultKeeper } from './result-keeper.js';
import type { Settler } from './settler.js';
import type { WorkerConfig } from './worker-config.js';
import type { WorkerDependencies } from './worker.js';

/** What every end of a delivery is recorded with. */
export interface EndingParts {
  readonly config: WorkerConfig;
  readonly dependencies: WorkerDependencies;
  readonly settler: Settler;
  /** Absent where results are kept nowhere. */
  readonly keeper: ResultKeeper | undefined;
  /** Absent where there are none. */
  readonly gates: TaskGates | undefined;
}
