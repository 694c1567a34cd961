import type { BrowsedMessage, Broker } from '../../brokers/broker.js';
import type { DeadLetters } from '../../dead-letters/dead-letters.js';
import type { Format } from '../../formats/format.js';
import { MOST_ARGS_BYTES } from '../../inspection/book/run-book.js';
import type { WaitingTaskInfo } from '../../inspection/model.js';
import type { Redaction } from '../../inspection/redaction.js';
import type { DeadFound, WaitingFound } from '../../inspection/task-report.js';
import { messageOf, shortened } from '../../task/error-text.js';
import { attemptIn, countHeader, Header } from '../../task/headers.js';
import type { Task } from '../../task/task.js';
import { waitsSince } from '../../task/waited.js';

const MOST_HELD_BYTES = 16 * 1024 * 1024;
const LONGEST_PROBLEM = 500;

export interface TaskSearchDependencies {
  readonly broker: Pick<Broker, 'browse'>;
  readonly deadLetters: Pick<DeadLetters, 'get'>;
  /** As messages of this queue are read. */
  readonly formatOf: (queue: string) => Format;
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
      const task = this.taskOf(message, queue, uuid);
      if (task !== undefined) {
        const { redaction } = this.dependencies;
        found = { name: task.name, args: redaction.args(task.args, { name: task.name, queue }), headers: redaction.headers(message.properties.headers) ?? {}, queue, position };
      }
      return found === undefined && position + 1 < most ? 'keep' : 'stop';
    }, { maxHeld: most });
    return found;
  }

  /** The first of each of these queues, `most` in all; held for the moment. */
  async firstOf(queues: readonly string[], most: number): Promise<WaitingTaskInfo[]> {
    const found: WaitingTaskInfo[] = [];
    for (const queue of queues) {
      if (found.length >= most) break;
      await this.dependencies.broker.browse(queue, (message, position) => {
        found.push(this.told(message, queue, position));
        return found.length < most ? 'keep' : 'stop';
      }, { maxHeld: most, maxHeldBytes: MOST_HELD_BYTES });
    }
    return found;
  }

  private told(message: BrowsedMessage, queue: string, position: number): WaitingTaskInfo {
    const { body, properties: { headers, messageId, timestamp } } = message;
    const [expiresAt, attempt] = [countHeader(headers, Header.expires, 0), attemptIn(headers)];
    const since = waitsSince(attempt, { headers, timestamp });
    const told = { queue, position, attempt, argsBytes: body.length, ...(since === undefined ? {} : { since }), ...(expiresAt === 0 ? {} : { expiresAt }) };
    try {
      const { uuid, name, args } = this.dependencies.formatOf(queue).decode(message);
      const shown = body.length > MOST_ARGS_BYTES ? undefined : this.dependencies.redaction.args(args, { name, queue });
      return { ...told, uuid, name, ...(shown === undefined ? {} : { args: shown }) };
    } catch (error) {
      // What is sealed says its name beside its body.
      const known = this.dependencies.formatOf(queue).identify?.(message) ?? {};
      return { ...told, ...(messageId === undefined ? {} : { uuid: messageId }), ...known, problem: shortened(messageOf(error), LONGEST_PROBLEM) };
    }
  }

  private taskOf(message: BrowsedMessage, queue: string, uuid: string): Task | undefined {
    const { messageId } = message.properties;
    // Other senders may not say it beside the body.
    if (messageId !== undefined && messageId !== uuid) return undefined;
    try {
      const task = this.dependencies.formatOf(queue).decode(message);
      return task.uuid === uuid ? task : undefined;
    } catch {
      return undefined;
    }
  }
}
