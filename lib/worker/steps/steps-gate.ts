import { StepError } from '../../errors.js';
import { isA } from '../../task/error-text.js';
import { Header } from '../../task/headers.js';
import type { Entrance, HandledVisit, TaskEnd, TaskGate } from '../gates/task-gate.js';
import type { Steps } from './steps.js';

const RUN: Entrance = { kind: 'run' };

/**
 * Lets a task go on that has recorded steps, by one of its copies, and keeps the record in step with what becomes of it.
 * It is left last: what is recorded as ended needs nothing more but to be acknowledged.
 */
export class StepsGate implements TaskGate {
  readonly name = 'steps';

  constructor(private readonly steps: Pick<Steps, 'endUnrun' | 'onProblem'>) {}

  concerns({ headers, steps }: HandledVisit): boolean {
    return steps !== undefined || headers[Header.steps] !== undefined;
  }

  enter(visit: HandledVisit): Promise<Entrance> {
    return visit.openSteps?.().enter() ?? Promise.resolve(RUN);
  }

  async leave(visit: HandledVisit, end: TaskEnd): Promise<void> {
    try {
      if (visit.steps?.isHeld === true) await visit.steps.leave(end);
      else await this.steps.endUnrun(visit, end);
    } catch (error) {
      // What is no record becomes none by being tried again.
      if (!isA(error, StepError)) throw error;
      this.steps.onProblem(visit.worker, `That task "${visit.name}" (${visit.uuid}) is "${end.kind}" could not be recorded with its steps.`, error);
    }
  }
}
