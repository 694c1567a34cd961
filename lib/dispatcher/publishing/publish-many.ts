import { versionIn } from '../../task/headers.js';
import type { Broker } from '../../brokers/broker.js';
import { BrokerError, BrokerUnavailableError, DispatcherError, InvalidTaskError, PublishTimeoutError } from '../../errors.js';
import { noteSent } from '../../worker/handler-context.js';
import { checkBeforeSending, type ArgumentSchemas } from '../../task/argument-schema.js';
import { display } from '../../task/argument-types.js';
import type { EncodedTask } from '../../formats/format.js';
import { isA, messageOf } from '../../task/error-text.js';
import type { AddressedTask, TaskInput } from '../../task/task.js';
import { acceptedAs, type PublishOutcome, uuidTaken } from './published-task.js';
import type { StartGate } from './start-gate.js';
import type { TaskPublisher } from './task-publisher.js';

/** Enough to keep a confirming broker busy, and far below what brokers let wait. */
const WINDOW_TASKS = 1000;
const WINDOW_BYTES = 16 * 1024 * 1024;

/**
 * Publishes a list with a bounded number of tasks on their way at a time, so that a million of them neither
 * fill memory nor hit the broker's bounds. Encodes as it goes. Once the broker could not be reached within
 * the limit, the rest is rejected with that error instead of waiting as long for each window.
 */
export class BatchPublisher {
  private readonly outcomes: PublishOutcome[] = [];
  private tasks = 0;
  private bytes = 0;
  private broken: DispatcherError | undefined;
  private wake: (() => void) | undefined;

  constructor(private readonly publisher: TaskPublisher, private readonly broker: Broker, private readonly gate: StartGate) {}

  async run(inputs: readonly TaskInput[]): Promise<PublishOutcome[]> {
    if (!Array.isArray(inputs)) throw new InvalidTaskError(`publishMany takes a list of tasks; found ${display(inputs)}.`);
    if (this.mustWait) await this.gate.ready();
    for (let index = 0; index < inputs.length; index++) {
      const encoded = this.prepare(inputs[index] as TaskInput, index);
      if (encoded === undefined) continue;
      const schemas = this.publisher.schemasOf(encoded.task.name, versionIn(encoded.task.headers));
      if (schemas !== undefined && !await this.passes(encoded.task, schemas, index)) continue;
      // A name that nobody knew may have brought a queue, which is being declared.
      if (this.mustWait) await this.gate.ready();
      const bytes = encoded.message.body.length;
      while (this.tasks > 0 && (this.tasks >= WINDOW_TASKS || this.bytes + bytes > WINDOW_BYTES)) await this.room();
      if (this.broken === undefined) this.send(encoded, index, bytes);
      else this.reject(index, this.broken);
    }
    while (this.tasks > 0) await this.room();
    return this.outcomes;
  }

  private get mustWait(): boolean {
    return !this.gate.isOpen && !this.publisher.isKeeping;
  }

  private prepare(input: TaskInput, index: number): { task: AddressedTask; message: EncodedTask } | undefined {
    try {
      const task = this.publisher.complete(input, []);
      return { task, message: this.publisher.encode(task) };
    } catch (error) {
      this.reject(index, error);
      return undefined;
    }
  }

  private async passes({ name, args }: AddressedTask, schemas: ArgumentSchemas, index: number): Promise<boolean> {
    try {
      await checkBeforeSending(name, schemas, args);
      return true;
    } catch (error) {
      this.reject(index, error);
      return false;
    }
  }

  private send({ task, message }: { task: AddressedTask; message: EncodedTask }, index: number, bytes: number): void {
    this.tasks++;
    this.bytes += bytes;
    this.publisher.send(task, message).then(
      (taking) => {
        noteSent(uuidTaken(task.uuid, taking));
        this.outcomes[index] = acceptedAs(task.uuid, taking);
      },
      (error: unknown) => {
        this.reject(index, error);
        if (this.broker.state.status !== 'ready' && isAway(error)) this.broken = error;
      },
    ).finally(() => {
      this.tasks--;
      this.bytes -= bytes;
      this.wake?.();
    });
  }

  private reject(index: number, error: unknown): void {
    this.outcomes[index] = { accepted: false, error: asDispatcherError(error) };
  }

  private room(): Promise<void> {
    return new Promise((resolve) => { this.wake = resolve; });
  }
}

function isAway(error: unknown): error is DispatcherError {
  return isA(error, BrokerUnavailableError) || isA(error, PublishTimeoutError);
}

function asDispatcherError(error: unknown): DispatcherError {
  if (isA(error, DispatcherError)) return error;
  return new BrokerError('ERR_DISPATCHER_BROKER', `Publishing failed: ${messageOf(error)}. The task may run all the same.`, {}, { cause: error });
}
