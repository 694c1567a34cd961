import type { Broker } from '../../brokers/broker.js';
import type { DeadLetters } from '../../dead-letters/dead-letters.js';
import type { Format } from '../../formats/format.js';
import type { Task, TaskHeaders, TaskInput } from '../../task/task.js';
import type { StepSender } from '../../workflows/step-sender.js';
import type { PublishChain } from './publish-chain.js';
import type { TaskPublisher } from './task-publisher.js';

/** Sends the tasks of workflows on the way of all tasks. */
export class StepPublisher implements StepSender {
  constructor(
    private readonly publisher: Pick<TaskPublisher | PublishChain, 'publishWithHeaders'>,
    private readonly broker: Broker, private readonly format: Format, private readonly deadLetters: DeadLetters,
  ) {}

  async send(task: TaskInput, headers: TaskHeaders): Promise<void> {
    await this.publisher.publishWithHeaders(task, headers);
  }

  async sendTo(queue: string, task: Task): Promise<void> {
    await this.broker.publish(this.format.encode(task), { queue });
  }

  async replay(queue: string, uuids: ReadonlySet<string>): Promise<number> {
    for (let steps = 0; ;) {
      const { replayed, truncated } = await this.deadLetters.replayAll(queue, { filter: ({ uuid }) => uuid !== undefined && uuids.has(uuid) });
      steps += replayed;
      // More than can be looked through at once: what was replayed has made room.
      if (!truncated || replayed === 0) return steps;
    }
  }
}
