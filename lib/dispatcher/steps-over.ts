import type { Broker } from '../brokers/broker.js';
import type { Audited } from '../events/audited.js';
import type { EventSink } from '../events/dispatcher-event.js';
import { Steps } from '../worker/steps/steps.js';
import type { ResolvedConfig } from './config/resolve-config.js';
import type { SharedState } from './shared-state.js';
import { Signals } from './signals.js';

/** Those of a dispatcher that durable steps stand on. */
export interface PartsOfSteps {
  readonly broker: Broker;
  readonly config: Pick<ResolvedConfig, 'exchange' | 'takeoverMs' | 'stepsExpireInMs'>;
  readonly shared: SharedState;
  readonly emit: EventSink;
  readonly audited: Audited;
  readonly ready: () => Promise<void>;
}

export function stepsOver({ broker, config: { exchange, takeoverMs, stepsExpireInMs: keepMs }, shared, emit, audited, ready }: PartsOfSteps): { steps: Steps; signals: Signals } {
  const backend = () => shared.backend();
  return {
    steps: new Steps({ exchange, backend, takeoverMs, keepMs, onProblem: (worker, message, error) => emit({ type: 'worker.problem', worker, message, error }) }),
    signals: new Signals({
      broker, backend, mayHold: () => shared.mayHold((queue) => broker.depth(queue)), keepMs, ready, audited,
      warn: (message) => emit({ type: 'broker.warning', message }),
    }),
  };
}
