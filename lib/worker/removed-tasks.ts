import type { BrowsedMessage } from '../brokers/broker.js';
import { TaskRemovedError } from '../errors.js';
import type { DeadReason } from '../events/dispatcher-event.js';
import type { Format } from '../formats/format.js';
import type { OutcomeRecorder } from '../results/outcome-recorder.js';
import { errorRecord } from '../results/task-error-record.js';
import type { FinalState } from '../results/task-result.js';
import { attemptIn, Header } from '../task/headers.js';
import type { Task, TaskHeaders } from '../task/task.js';
import { clock } from '../time/clock.js';
import type { TaskEnd, TaskGate, TaskVisit } from './gates/task-gate.js';
import { replyToOf } from './reply-to.js';

/** How a task came to be taken away without having been run, as it ends for whoever waits. */
export interface Removal {
  /** As what follows "the task ...": `was purged from the queue "orders" before it was run.` */
  readonly how: string;
  readonly state: Extract<FinalState, 'cancelled' | 'failed'>;
  /** Where it is a dead letter from then on. */
  readonly reason?: DeadReason;
}

export interface RemovedTasksDependencies {
  readonly format: Format;
  /** Larger bodies are not read, as a worker would not. */
  readonly maxTaskBytes: number;
  /** As those of workers, whose memory they share. */
  readonly gates: readonly TaskGate[];
  readonly recorder: OutcomeRecorder;
  /** Whether the result of such a task is wanted. */
  isAsked(task: Pick<Task, 'name' | 'headers'>): boolean;
}

const NO_HEADERS: Readonly<TaskHeaders> = Object.freeze({});
/** How many are ended at a time: a purge may bring thousands at once. */
const AT_A_TIME = 64;

/**
 * Ends tasks that are taken away without having been run: whoever waits for the result is told, the unique key is free,
 * the workflow knows. To be done before the message is removed, and repeated where that did not come to pass: then
 * nothing is ever removed of which nobody was told.
 */
export class RemovedTasks {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly dependencies: RemovedTasksDependencies) {}

  /**
   * `undefined`: nobody waits for it, and it holds nothing; so it is for every plain task, of which only the headers are
   * looked at. Rejects where it cannot be recorded: the message must stay then.
   */
  end(message: BrowsedMessage, queue: string, removal: Removal): Promise<void> | undefined {
    const headers = message.properties.headers ?? NO_HEADERS;
    if (isTold(headers) || standsForAnother(headers)) return undefined;
    const visit = this.visit(message, queue, { uuid: message.properties.messageId ?? '', name: '', args: [] });
    if (!this.isAsked(message, visit) && !this.dependencies.gates.some((gate) => gate.concerns(visit))) return undefined;
    return this.inTurn(() => this.endOne(this.visit(message, queue, this.decoded(message)), removal));
  }

  private async inTurn(use: () => Promise<void>): Promise<void> {
    if (this.running >= AT_A_TIME) await new Promise<void>((resolve) => { this.waiting.push(resolve); });
    else this.running++;
    try {
      await use();
    } finally {
      // The place is handed on, or free.
      const next = this.waiting.shift();
      if (next === undefined) this.running--;
      else next();
    }
  }

  private async endOne(visit: TaskVisit, { how, state, reason }: Removal): Promise<void> {
    const { recorder, gates } = this.dependencies;
    const error = new TaskRemovedError(`Task "${visit.name}" (${visit.uuid}) ${how}`, { task: visit.name, uuid: visit.uuid, queue: visit.queue });
    if (visit.uuid !== '' && this.dependencies.isAsked(visit) && recorder.reaches(visit)) {
      await recorder.record(visit, [{ state, at: clock.now(), attempt: visit.attempt, error: errorRecord(error) }]);
    }
    const end: TaskEnd = reason === undefined ? { kind: 'removed', error } : { kind: 'failed', reason, error };
    for (const gate of [...gates].reverse()) if (gate.concerns(visit)) await gate.leave(visit, end);
  }

  /** Its name, for which its body is read, is asked for only where there are names whose results are always wanted. */
  private isAsked(message: BrowsedMessage, { headers }: TaskVisit): boolean {
    const nameOf = (): string => this.decoded(message).name;
    return this.dependencies.isAsked({ get name() { return nameOf(); }, headers });
  }

  /** What cannot be read has no name. */
  private decoded(message: BrowsedMessage): Pick<Task, 'uuid' | 'name' | 'args' | 'arrived'> {
    const { format, maxTaskBytes } = this.dependencies;
    const { messageId = '' } = message.properties;
    if (message.body.length > maxTaskBytes) return { uuid: messageId, name: '', args: [] };
    try {
      return format.decode(message);
    } catch {
      const { uuid = messageId, name = '' } = format.identify?.(message) ?? {};
      return { uuid, name, args: [] };
    }
  }

  private visit({ properties }: BrowsedMessage, queue: string, { uuid, name, args, arrived }: Pick<Task, 'uuid' | 'name' | 'args' | 'arrived'>): TaskVisit {
    const headers = properties.headers ?? NO_HEADERS;
    return { uuid, name, args, headers, attempt: attemptIn(headers), queue, worker: '', redelivered: false, replyTo: replyToOf({ properties }, { arrived }) };
  }
}

/** A dead letter of ours was told when it became one. What a broker has put aside by itself, nobody was told of. */
function isTold(headers: Readonly<TaskHeaders>): boolean {
  return typeof headers[Header.deadReason] === 'string';
}

/** The task that it stands for runs elsewhere, and says itself how it ends. */
function standsForAnother(headers: Readonly<TaskHeaders>): boolean {
  return typeof headers[Header.lease] === 'string';
}
