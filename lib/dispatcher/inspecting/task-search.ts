import type { Broker } from '../../brokers/broker.js';
import type { DeadLetters } from '../../dead-letters/dead-letters.js';
import type { Format } from '../../formats/format.js';
import type { Redaction } from '../../inspection/redaction.js';
import type { DeadFound, WaitingFound } from '../../inspection/task-report.js';
import type { Task } from '../../task/task.js';

export interface TaskSearchDependencies {
  readonly broker: Pick<Broker, 'browse'>;
  readonly deadLetters: Pick<DeadLetters, 'get'>;
  readonly format: Format;
  readonly redaction: Redaction;
}

/** Looks for single tasks in queues, on behalf of inspection. */
export class TaskSearch {
  constructor(private readonly dependencies: TaskSearchDependencies) {}

  async dead(queue: string, uuid: string): Promise<DeadFound | undefined> {
    const { deadLetters, redaction } = this.dependencies;
    const letter = await deadLetters.get(queue, uuid);
    if (letter === undefined) return undefined;
    const { name, args, headers, reason, at, history } = letter;
    const told = redaction.args(args, { name: name ?? '', queue });
    return {
      ...(name === undefined ? {} : { name }), ...(told === undefined ? {} : { args: told }), headers: redaction.headers(headers) ?? {}, queue, reason, diedAt: at?.getTime() ?? 0,
      history: history.map((failed) => ({ attempt: failed.attempt, at: Date.parse(failed.at), worker: failed.worker, error: { name: 'Error', message: failed.error } })),
    };
  }

  /** Among the first `most`, which are held for the moment. */
  async waiting(queue: string, uuid: string, most: number): Promise<WaitingFound | undefined> {
    let found: WaitingFound | undefined;
    await this.dependencies.broker.browse(queue, (message, position) => {
      const task = this.taskOf(message, uuid);
      if (task !== undefined) {
        const { redaction } = this.dependencies;
        found = { name: task.name, args: redaction.args(task.args, { name: task.name, queue }), headers: redaction.headers(message.properties.headers) ?? {}, queue, position };
      }
      return found === undefined && position + 1 < most ? 'keep' : 'stop';
    }, { maxHeld: most });
    return found;
  }

  private taskOf(message: Parameters<Format['decode']>[0], uuid: string): Task | undefined {
    const { messageId } = message.properties;
    // Other senders may not say it beside the body.
    if (messageId !== undefined && messageId !== uuid) return undefined;
    try {
      const task = this.dependencies.format.decode(message);
      return task.uuid === uuid ? task : undefined;
    } catch {
      return undefined;
    }
  }
}
