import type { Broker } from '../../brokers/broker.js';
import type { EventSink } from '../../events/dispatcher-event.js';
import { JointRecorder } from '../../results/joint-recorder.js';
import type { OutcomeRecorder } from '../../results/outcome-recorder.js';
import { ReplyRecorder } from '../../results/replies/reply-recorder.js';
import { ResultRecorder } from '../../results/result-recorder.js';
import type { SharedState } from '../shared-state.js';
import { messageOf } from '../text.js';
import { ReplyRoute } from './reply-route.js';
import type { ResolvedResults } from './results-config.js';
import { StoreRoute } from './store-route.js';
import { TaskResults } from './task-results.js';

export interface ResultsOver {
  /** For who publishes. */
  readonly results: TaskResults;
  /** For who runs tasks: it tells the store, if there is one, and whoever is to be answered. */
  readonly recorder: OutcomeRecorder;
}

/** How results of this dispatcher travel. Nothing is opened before somebody asks for one. */
export function resultsOver(broker: Broker, config: ResolvedResults, shared: SharedState, emit: EventSink, ready: () => Promise<void>): ResultsOver {
  const warn = (message: string): void => emit({ type: 'results.warning', message });
  const replies = new ReplyRecorder(broker, {
    maxResultBytes: config.maxResultBytes,
    onUnheard: ({ uuid, name, replyTo }) => emit({ type: 'task.unheard', task: { uuid, name }, replyTo }),
  });
  if (config.by === 'replies') {
    const route = new ReplyRoute(broker, { expiresInMs: config.expiresInMs, warn });
    return { results: new TaskResults(route, config.of, ready), recorder: replies };
  }
  const store = new ResultRecorder(() => shared.backend(), config);
  const route = new StoreRoute(store, (message, error) => warn(`${message}: ${messageOf(error)}`));
  return { results: new TaskResults(route, config.of, ready), recorder: new JointRecorder([store, replies]) };
}
