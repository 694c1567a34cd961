import type { DispatcherParts } from '../dispatcher/dispatcher-parts.js';
import type { Publishing } from '../dispatcher/publishing/publishing.js';
import type { PublishedTask, PublishOutcome } from '../dispatcher/publishing/published-task.js';
import { DispatcherError, TaskFailedError } from '../errors.js';
import { messageOf } from '../task/error-text.js';
import type { TaskInput } from '../task/task.js';
import type { PublishedWorkflow } from '../workflows/published-workflow.js';
import type { Runs } from './runs.js';
import type { Stage } from './stage.js';

type Publisher = Pick<Publishing['publisher'], 'publish' | 'publishWithHeaders'>;

/**
 * While the mode is `inline`, whoever publishes waits for the end of the attempt, and is thrown what the handler throws.
 * What the library itself publishes (steps, ticks, retries) it does not wait for: it would wait for itself.
 */
export function inlinePublishing(stage: Stage, runs: Runs, { publishing, workflows }: DispatcherParts): void {
  /** Asked for anew each time: what is put around it later is to count too. */
  const publisher = (): Publisher => Reflect.get(Object.getPrototypeOf(publishing) as object, 'publisher', publishing) as Publisher;
  const publishMany = publishing.publishMany.bind(publishing);
  const publishWorkflow = workflows.publish.bind(workflows);
  const inline = new InlineEnds(stage, runs);
  const around: Publisher = {
    publish: async (first: TaskInput | string, values: readonly unknown[]) => {
      const from = inline.begin();
      const published = await publisher().publish(first, values);
      if (isTaken(published)) await inline.end(published.uuid, from);
      return published;
    },
    publishWithHeaders: (task, ours) => publisher().publishWithHeaders(task, ours),
  };
  Object.defineProperty(publishing, 'publisher', { get: () => around });
  publishing.publishMany = async (tasks: readonly TaskInput[]): Promise<PublishOutcome[]> => {
    const from = inline.begin();
    return Promise.all((await publishMany(tasks)).map((outcome) => inline.outcome(outcome, from)));
  };
  workflows.publish = async (workflow, options): Promise<PublishedWorkflow> => {
    const published = await publishWorkflow(workflow, options);
    if (stage.mode === 'inline') await stage.stillness.reached();
    return published;
  };
}

/** Nobody waits for a task that stands for this one: it may end long after. */
function isTaken({ unique, edge }: Pick<PublishedTask, 'unique' | 'edge'>): boolean {
  return unique?.taken !== false && edge?.taken !== false;
}

class InlineEnds {
  constructor(private readonly stage: Stage, private readonly runs: Runs) {}

  /** From which outcome on that of a task is which is published now. */
  begin(): number {
    this.runs.begin();
    return this.stage.outcomes.list.length;
  }

  async end(uuid: string, from: number): Promise<void> {
    if (this.stage.mode !== 'inline' || !this.stage.isRunHere(uuid)) return;
    const { state, error } = await this.runs.ended(uuid, from);
    if (state === 'failed' || state === 'retrying') throw error;
  }

  async outcome(outcome: PublishOutcome, from: number): Promise<PublishOutcome> {
    if (!outcome.accepted || !isTaken(outcome)) return outcome;
    try {
      await this.end(outcome.uuid, from);
      return outcome;
    } catch (error) {
      return { accepted: false, error: error instanceof DispatcherError ? error : new TaskFailedError(messageOf(error), { uuid: outcome.uuid }, error) };
    }
  }
}
