import { DispatcherError } from '../errors.js';
import type { EventSink } from '../events/dispatcher-event.js';
import { errorText } from '../task/error-text.js';
import type { RunningTask } from './running-task.js';
import type { TaskEndings } from './task-endings.js';

/**
 * The last resort: what our own code throws between the end of a handler and its settlement. The slot becomes free, the
 * delivery a dead letter that says what happened, or goes back to its queue where not even that is possible.
 */
export class RunRescue {
  constructor(
    private readonly worker: string,
    private readonly emit: EventSink,
    private readonly endings: TaskEndings,
    private readonly holdsSlot: (run: RunningTask) => boolean,
    private readonly leave: (run: RunningTask) => void,
  ) {}

  end(run: RunningTask, defect: unknown): void {
    const message = `Task "${run.name}" (${run.uuid}) could not be ended as it should`;
    this.emit({ type: 'worker.problem', worker: this.worker, message, error: defect });
    if (!this.holdsSlot(run) || run.rescued) return;
    run.rescued = true;
    run.ended = true;
    this.settle(run, defect).then(() => this.leave(run)).catch((error: unknown) => {
      this.emit({ type: 'worker.problem', worker: this.worker, message: `The slot of task "${run.name}" (${run.uuid}) could not be freed in order`, error });
    });
  }

  private async settle(run: RunningTask, defect: unknown): Promise<void> {
    if (run.isSettled) return;
    const error = new DispatcherError('ERR_DISPATCHER_DEFECT', `The worker, not the handler, failed at the end of this task: ${errorText(defect)}`, {}, { cause: defect });
    try {
      await this.endings.bury(run, 'failed', error);
    } catch {
      run.requeue();
    }
  }
}
