import type { Broker } from '../../brokers/broker.js';
import type { EventSink } from '../../events/dispatcher-event.js';
import { JointRecorder } from '../../results/joint-recorder.js';
import type { OutcomeRecorder } from '../../results/outcome-recorder.js';
import { HEARD_TYPE, readListeningNote, UNHEARD_TYPE } from '../../results/replies/listening-note.js';
import { ListeningNotes } from '../../results/replies/listening-notes.js';
import { ReplyQueue } from '../../results/replies/reply-queue.js';
import { ReplyRecorder, type ReplyRecorderOptions } from '../../results/replies/reply-recorder.js';
import { SilencedTasks } from '../../results/replies/silenced-tasks.js';
import { ResultRecorder } from '../../results/result-recorder.js';
import { clock } from '../../time/clock.js';
import type { SharedState } from '../shared-state.js';
import { messageOf } from '../../task/error-text.js';
import { ReplyRoute } from './reply-route.js';
import type { ResolvedConfig } from '../config/resolve-config.js';
import type { AddressedTask } from '../../task/task.js';
import { RoutesByFormat } from './foreign-route.js';
import { ForeignSystems } from './foreign-systems.js';
import type { ResultRoute } from './result-route.js';
import type { ResolvedResults } from '../config/results-config.js';
import { StoreRoute } from './store-route.js';
import { TaskResults } from './task-results.js';

export interface ResultsOver {
  /** For who publishes. */
  readonly results: TaskResults;
  /** For who runs tasks: it tells the store, if there is one, and whoever is to be answered. */
  readonly recorder: OutcomeRecorder;
  /** Stores of other systems. */
  readonly foreign: ForeignSystems;
}

export interface ResultsSources {
  readonly config: Pick<ResolvedConfig, 'results' | 'foreignResults' | 'exchange'>;
  readonly shared: SharedState;
  readonly emit: EventSink;
  readonly ready: () => Promise<void>;
  /** In which format a task is sent. */
  readonly formatOf: (task: AddressedTask) => string;
}

/** How results of this dispatcher travel. Nothing is opened before somebody asks for one. */
export function resultsOver(broker: Broker, { config: { results: config, foreignResults, exchange }, shared, emit, ready, formatOf }: ResultsSources): ResultsOver {
  const warn = (message: string): void => emit({ type: 'results.warning', message });
  const queue = new ReplyQueue(broker, { warn, now: clock.elapsed });
  const foreign = new ForeignSystems(foreignResults, { exchange, emit, broker, replies: broker.openReplies === undefined ? undefined : queue });
  const around = (own: ResultRoute): ResultRoute => (foreign.all.length === 0 ? own : new RoutesByFormat(own, foreign, formatOf));
  const recording: ReplyRecorderOptions = {
    maxResultBytes: config.maxResultBytes,
    onUnheard: ({ uuid, name, replyTo }) => emit({ type: 'task.unheard', task: { uuid, name }, replyTo }),
  };
  if (config.by === 'replies') return { ...overReplies(broker, config, { recording, ready, warn, around, queue }), foreign };
  const store = new ResultRecorder(() => shared.backend(), config);
  const route = new StoreRoute(store, (message, error) => warn(`${message}: ${messageOf(error)}`));
  return { results: new TaskResults(around(route), config.of, ready), recorder: new JointRecorder([store, new ReplyRecorder(broker, recording)]), foreign };
}

interface OverReplies {
  recording: ReplyRecorderOptions;
  ready: () => Promise<void>;
  warn: (message: string) => void;
  around: (own: ResultRoute) => ResultRoute;
  queue: ReplyQueue;
}

/** By one queue this process gets the reports that it asked for, and is told who listens to those that it sends. */
function overReplies(broker: Broker, config: ResolvedResults, { recording, ready, warn, around, queue }: OverReplies): Omit<ResultsOver, 'foreign'> {
  // Not the clock of the day, which may be set back.
  const now = clock.elapsed;
  const notes = new ListeningNotes(broker);
  const route = new ReplyRoute(queue, {
    expiresInMs: config.expiresInMs, warn,
    tell: (worker, uuid, listening) => { if (queue.address !== undefined) notes.send(worker, { uuid, caller: queue.address, listening }); },
  }, now);
  const tasks = new SilencedTasks(now);
  queue.on([UNHEARD_TYPE, HEARD_TYPE], (message) => {
    const note = readListeningNote(message);
    if (note !== undefined) tasks.take(note);
  });
  const recorder = new ReplyRecorder(broker, { ...recording, silencing: { tasks, address: () => queue.addressIfOpen() } });
  return { results: new TaskResults(around(route), config.of, ready), recorder };
}
