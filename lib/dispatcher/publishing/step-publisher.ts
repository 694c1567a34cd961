import type { Broker } from '../../brokers/broker.js';
import { BrokerError } from '../../errors.js';
import type { DeadLetterQueues, ReplaySummary } from '../../dead-letters/dead-letter-queues.js';
import type { Task, TaskHeaders, TaskInput } from '../../task/task.js';
import { clock } from '../../time/clock.js';
import type { StepSender } from '../../workflows/step-sender.js';
import type { TaskFormats } from '../task-formats.js';
import type { PublishChain } from './publish-chain.js';
import type { TaskPublisher } from './task-publisher.js';

const MOST_LOOKS = 20;
const LOOK_MS = 100;

/** Sends the tasks of workflows on the way of all tasks. */
export class StepPublisher implements StepSender {
  constructor(
    private readonly publisher: Pick<TaskPublisher | PublishChain, 'publishWithHeaders'>,
    private readonly broker: Broker, private readonly formats: Pick<TaskFormats, 'encodeFor'>, private readonly deadLetters: Pick<DeadLetterQueues, 'replayAll'>,
    private readonly undelivered: string,
  ) {}

  async send(task: TaskInput, headers: TaskHeaders): Promise<void> {
    await this.publisher.publishWithHeaders(task, headers);
  }

  async sendTo(queue: string, task: Task): Promise<void> {
    await this.broker.publish(this.formats.encodeFor(queue, task), { queue });
  }

  async replay(queue: string, uuids: ReadonlySet<string>): Promise<number> {
    for (let steps = 0, looks = 1; ;) {
      const { replayed, failed, truncated } = await this.replayAll(queue, uuids);
      steps += replayed;
      // More than can be looked through at once: what was replayed has made room.
      if (truncated && replayed > 0) continue;
      // Its workflow is told a moment before a task is put among the undelivered.
      const mayStillCome = queue === this.undelivered && steps + failed.length < uuids.size && looks++ < MOST_LOOKS;
      if (!mayStillCome) return steps;
      await clock.sleep(LOOK_MS);
    }
  }

  private async replayAll(queue: string, uuids: ReadonlySet<string>): Promise<ReplaySummary> {
    try {
      return await this.deadLetters.replayAll(queue, { filter: ({ uuid }) => uuid !== undefined && uuids.has(uuid) });
    } catch (error) {
      // It is made with the first one that is put there.
      const isNotThereYet = queue === this.undelivered && error instanceof BrokerError && error.code === 'ERR_DISPATCHER_NOT_FOUND';
      if (!isNotThereYet) throw error;
      return { replayed: 0, failed: [], truncated: false };
    }
  }
}
