import type { Broker } from '../brokers/broker.js';
import type { DeadLetterQueues } from '../dead-letters/dead-letter-queues.js';
import type { Audited } from '../events/audited.js';
import type { EventSink } from '../events/dispatcher-event.js';
import { undeliveredQueueOf } from '../task/undelivered.js';
import { clock } from '../time/clock.js';
import { Workflows } from '../workflows/workflows.js';
import type { ResolvedConfig } from './config/resolve-config.js';
import type { ControlNotes } from './control-notes.js';
import type { PublishAdvice } from './placement/publish-advice.js';
import type { Publishing } from './publishing/publishing.js';
import { StepPublisher } from './publishing/step-publisher.js';
import type { SharedState } from './shared-state.js';
import type { TaskFormats } from './task-formats.js';

/**
 * For how long workers remember that a workflow was cancelled, to stop what runs of it. What comes later is turned away
 * by the workflow's own state, which is kept far longer.
 */
const CALL_OFF_MS = 3_600_000;

/** Those of a dispatcher that workflows stand on. */
export interface PartsOfWorkflows {
  readonly broker: Broker;
  readonly config: Pick<ResolvedConfig, 'exchange' | 'workflowsExpireInMs'>;
  readonly formats: TaskFormats;
  readonly control: ControlNotes;
  readonly publishing: Publishing;
  readonly deadLetterQueues: DeadLetterQueues;
  readonly shared: SharedState;
  readonly advice: PublishAdvice;
  readonly emit: EventSink;
  readonly audited: Audited;
  readonly ready: () => Promise<void>;
}

export function workflowsOver({ broker, config, formats, control, publishing, deadLetterQueues, shared, advice, emit, audited, ready }: PartsOfWorkflows): Workflows {
  return new Workflows({
    exchange: config.exchange, backend: () => shared.backend(), expiresInMs: config.workflowsExpireInMs, now: clock.now, ready,
    sender: new StepPublisher(publishing, broker, formats, deadLetterQueues, undeliveredQueueOf(config.exchange)),
    routeOf: (name) => ({ routingKey: advice.routeOf(name), version: publishing.plain.versionOf(name) }),
    callOff: (name, text) => control.cancellations.cancelAll(name, text, CALL_OFF_MS),
    emit, audited,
  });
}
