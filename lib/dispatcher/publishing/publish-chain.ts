import type { Broker } from '../../brokers/broker.js';
import { BrokerError, BrokerUnavailableError, DispatcherError, InvalidTaskError, PublishBufferFullError, PublishTimeoutError } from '../../errors.js';
import { display } from '../../task/argument-types.js';
import { inferArguments } from '../../task/argument-form.js';
import type { TaskHeaders, TaskInput } from '../../task/task.js';
import { isA, messageOf } from '../../task/error-text.js';
import { publishThrough, type LateFailure, type OutgoingTask, type PublishMiddleware } from './publish-middleware.js';
import { acceptedAs, type PublishedTask, type PublishOutcome } from './published-task.js';
import { originOf, type TaskOrigin } from './task-origin.js';
import type { TaskPublisher } from './task-publisher.js';

/** How many tasks of one list go through the middlewares at a time. */
const WINDOW_TASKS = 1000;

/** @param hasOwnUuid its caller has given it its uuid */
type Send = (task: TaskInput, hasOwnUuid: boolean) => Promise<PublishedTask>;
type Through = ReturnType<typeof publishThrough>;

/** Publishing with middleware around it. In its absence nothing of this stands in the way of a task. */
export class PublishChain {
  private made: Through | undefined;

  /** @param middlewares asked for at the first publish, when providers exist */
  constructor(
    private readonly publisher: TaskPublisher, private readonly broker: Broker, private readonly routingKeyOf: (name: string) => string,
    private readonly middlewares: () => readonly PublishMiddleware[], private readonly onLate: LateFailure,
  ) {}

  /** Shows at the start what would fail at each task. @throws ConfigurationError */
  prepare(): void {
    this.made ??= publishThrough(this.middlewares(), this.onLate);
  }

  publish(first: TaskInput | string, values: readonly unknown[]): Promise<PublishedTask> {
    return this.through(first, values, (task, hasOwnUuid) => this.publisher.publish(task, [], hasOwnUuid));
  }

  /** As `BatchPublisher`, each task through the middlewares; those of one list may overtake each other in them. */
  async publishMany(inputs: readonly TaskInput[]): Promise<PublishOutcome[]> {
    if (!Array.isArray(inputs)) throw new InvalidTaskError(`publishMany takes a list of tasks; found ${display(inputs)}.`);
    return new ChainedBatch((task, hasOwnUuid) => this.publisher.publish(task, [], hasOwnUuid), this.broker).run(inputs, (input, send) => this.through(input, [], send));
  }

  /** A task with headers of ours: the middlewares see it as any other. */
  publishWithHeaders(input: TaskInput, ours: TaskHeaders): Promise<PublishedTask> {
    return this.through(input, [], (task) => this.publisher.publishWithHeaders(task, ours), originOf(ours));
  }

  private async through(first: TaskInput | string, values: readonly unknown[], send: Send, origin?: TaskOrigin): Promise<PublishedTask> {
    const input: TaskInput = typeof first === 'string' ? { name: first, args: inferArguments(values) } : first;
    // What is no task, the publisher refuses with its own words.
    if ((typeof first !== 'string' && values.length > 0) || !isTaskLike(input)) return this.publisher.publish(first, values);
    this.prepare();
    const task = this.copy(input);
    // Not to be seen by whoever takes the fields of a task: it is none of them.
    if (origin !== undefined) Object.defineProperty(task, 'origin', { value: origin });
    return (this.made as Through)(task, (passed) => send(tidy(passed), input.uuid !== undefined));
  }

  private copy(input: TaskInput): OutgoingTask {
    return {
      ...input, uuid: input.uuid ?? this.publisher.idFor(input.name, input.args ?? []), args: [...input.args ?? []], headers: { ...input.headers }, routingKey: input.routingKey ?? this.routingKeyOf(input.name),
    };
  }
}

/** One list on its way: a window of tasks, one outcome each. */
class ChainedBatch {
  private readonly outcomes: PublishOutcome[] = [];
  private underWay = 0;
  private broken: DispatcherError | undefined;
  private waiting: (() => void)[] = [];

  constructor(private readonly publish: Send, private readonly broker: Broker) {}

  async run(inputs: readonly TaskInput[], through: (input: TaskInput, send: Send) => Promise<PublishedTask>): Promise<PublishOutcome[]> {
    for (const [index, input] of inputs.entries()) {
      while (this.underWay >= WINDOW_TASKS) await this.oneEnds();
      this.underWay++;
      void this.note(index, through(input, (task, hasOwnUuid) => this.send(task, hasOwnUuid)));
    }
    while (this.underWay > 0) await this.oneEnds();
    return this.outcomes;
  }

  private async note(index: number, publishing: Promise<PublishedTask>): Promise<void> {
    try {
      const published = await publishing;
      this.outcomes[index] = acceptedAs(published.uuid, published);
    } catch (error) {
      this.outcomes[index] = { accepted: false, error: asDispatcherError(error) };
    }
    this.underWay--;
    for (const wake of this.waiting.splice(0)) wake();
  }

  private async send(task: TaskInput, hasOwnUuid: boolean): Promise<PublishedTask> {
    for (;;) {
      // Once the broker was away for as long as may be waited, the rest does not wait as long again.
      if (this.broken !== undefined) throw this.broken;
      try {
        return await this.publish(task, hasOwnUuid);
      } catch (error) {
        // Large tasks fill the broker's buffer before they fill the window: when another has gone out there is room again.
        if (isA(error, PublishBufferFullError) && this.waiting.length < this.underWay - 1) {
          await this.oneEnds();
          continue;
        }
        if (this.broker.state.status !== 'ready' && isAway(error)) this.broken = error;
        throw error;
      }
    }
  }

  private oneEnds(): Promise<void> {
    return new Promise((resolve) => { this.waiting.push(resolve); });
  }
}

function isTaskLike(input: TaskInput): boolean {
  if (typeof input !== 'object' || input === null) return false;
  const { args, headers } = input;
  return (args === undefined || Array.isArray(args)) && (headers === undefined || (typeof headers === 'object' && headers !== null && !Array.isArray(headers)));
}

/** A plain task must look plain on the wire. */
function tidy(task: OutgoingTask): TaskInput {
  return Object.keys(task.headers).length > 0 ? task : { ...task, headers: undefined };
}

function isAway(error: unknown): error is DispatcherError {
  return isA(error, BrokerUnavailableError) || isA(error, PublishTimeoutError);
}

function asDispatcherError(error: unknown): DispatcherError {
  if (isA(error, DispatcherError)) return error;
  if (isA(error, Error)) {
    return new DispatcherError('ERR_DISPATCHER_VETOED', `The task was kept back by a middleware: ${messageOf(error)}`, {}, { cause: error });
  }
  return new BrokerError('ERR_DISPATCHER_BROKER', `Publishing failed: ${messageOf(error)}. The task may run all the same.`, {}, { cause: error });
}
