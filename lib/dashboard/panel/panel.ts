import type { DispatcherService } from '../../index.js';
import type { ActionAnswer } from '../answers.js';
import type { Fields } from '../http/fields.js';
import { EventTail } from '../live/event-tail.js';
import { LivePoll } from '../live/live-poll.js';
import type { InspectionFace } from '../inspection.js';
import type { AuditLog } from './audit-log.js';
import type { Curtain } from './curtain.js';
import { SharedAnswers } from './shared-answers.js';
import { Turns } from './turns.js';

/** What a page may do. @param by who asked */
export type Action = (panel: Panel, fields: Fields, by: string) => Promise<ActionAnswer>;

export interface PanelDependencies {
  readonly name: string;
  readonly service: DispatcherService;
  readonly inspection: InspectionFace;
  readonly curtain: Curtain;
  readonly audit: AuditLog;
  readonly now: () => number;
  readonly pollPauseMs?: number;
}

/** One dispatcher, as the dashboard sees it. */
export class Panel {
  readonly name: string;
  readonly service: DispatcherService;
  readonly inspection: InspectionFace;
  readonly curtain: Curtain;
  readonly audit: AuditLog;
  readonly poll: LivePoll;
  /** `events`: what the log says too; `all-events`: each step of each task. */
  readonly tails: { readonly events: EventTail; readonly 'all-events': EventTail };
  readonly answers: SharedAnswers;
  readonly deadLetterTurns = new Turns('dead letters');
  readonly queueTurns = new Turns('queues');

  constructor({ name, service, inspection, curtain, audit, now, pollPauseMs }: PanelDependencies) {
    this.name = name;
    this.service = service;
    this.inspection = inspection;
    this.curtain = curtain;
    this.audit = audit;
    this.answers = new SharedAnswers(now);
    this.poll = new LivePoll({ inspection, service, curtain, now, ...(pollPauseMs === undefined ? {} : { pauseMs: pollPauseMs }) });
    this.tails = { events: new EventTail(inspection, 'log', curtain), 'all-events': new EventTail(inspection, 'debug', curtain) };
  }
}
