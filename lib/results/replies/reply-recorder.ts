import type { Broker, Message, MessageProperties } from '../../brokers/broker.js';
import { InvalidTaskError, TaskTooLargeError, UnroutableTaskError } from '../../errors.js';
import type { OutcomeRecorder, Reported } from '../outcome-recorder.js';
import { encodeTaskResult } from '../result-codec.js';
import { advance, isFinal, newTaskResult, withoutValue, type TaskOutcome, type TaskResult, type TimelineEntry } from '../task-result.js';
import type { SilencedTasks } from './silenced-tasks.js';

/** How a report is marked on the wire. */
export const REPORT_TYPE = 'dispatcher.report';

export interface ReplyRecorderOptions {
  /** The largest encoded value of a result, in bytes. */
  maxResultBytes?: number;
  /** Nobody listens any more; nothing is done about it. */
  onUnheard(reported: Reported): void;
  /** What lets callers stop progress; without it, it is sent to the end. */
  silencing?: Silencing;
}

export interface Silencing {
  readonly tasks: SilencedTasks;
  /** Where this process can be told, if it can for now. Waits for nothing. */
  address(): string | undefined;
}

/** Addresses that nobody listens to; more are not remembered. */
const MOST_GONE = 1_000;

/** Sends what becomes of tasks to whoever asked: to the queue that the task itself names. */
export class ReplyRecorder implements OutcomeRecorder {
  private readonly gone = new Set<string>();

  constructor(private readonly broker: Pick<Broker, 'publish'>, private readonly options: ReplyRecorderOptions) {}

  reaches({ replyTo }: Reported): boolean {
    return replyTo !== undefined && replyTo !== '';
  }

  isListenedTo(reported: Reported): boolean {
    return this.options.silencing?.tasks.keepsBack(reported) !== true;
  }

  /** Resolves when the broker has it, or when nobody listens: then it is of interest to nobody. */
  async record(reported: Reported, entries: readonly TimelineEntry[], outcome?: TaskOutcome): Promise<void> {
    const { uuid, name, replyTo } = reported;
    if (replyTo === undefined) return;
    const result = advance(newTaskResult(uuid, name), entries, outcome);
    // An end is tried all the same: a queue that was lost may be back.
    if (this.gone.has(replyTo) && !isFinal(result.state)) return;
    if (isFinal(result.state)) this.options.silencing?.tasks.ended(reported);
    try {
      await this.send(result, replyTo);
      this.gone.delete(replyTo);
    } catch (error) {
      // A name that is none of a queue, as foreign senders may write, will never be one.
      if (!(error instanceof UnroutableTaskError || error instanceof InvalidTaskError)) throw error;
      if (this.gone.size < MOST_GONE) this.gone.add(replyTo);
      this.options.onUnheard(reported);
    }
  }

  private async send(result: TaskResult, queue: string): Promise<void> {
    try {
      await this.broker.publish(this.message(result), { queue });
    } catch (error) {
      if (!(error instanceof TaskTooLargeError)) throw error;
      // What the broker does not carry must not keep the task from ending.
      await this.broker.publish(this.message(withoutValue(result, `it is larger than the broker carries: ${error.message}`)), { queue });
    }
  }

  private message(result: TaskResult): Message {
    return {
      body: encodeTaskResult(result, this.options),
      properties: {
        contentType: 'application/json', type: REPORT_TYPE, messageId: result.uuid, correlationId: result.uuid, ...this.wayBack(result),
      },
    };
  }

  /** Only with progress, which is what there may be much of: nothing is opened, and nothing is answered, for anything else. */
  private wayBack({ state }: TaskResult): MessageProperties {
    const replyTo = state === 'progress' ? this.options.silencing?.address() : undefined;
    return replyTo === undefined ? {} : { replyTo };
  }
}
