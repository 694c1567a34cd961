import type { MessageProperties } from '../../brokers/broker.js';
import type { ResultReader } from '../../results/result-reader.js';
import type { AddressedTask, Task } from '../../task/task.js';

/** The way on which results come back to this process. */
export interface ResultRoute {
  readonly reader: ResultReader;
  /** A task whose result was not asked for when it was published never has one here. */
  readonly onlyAsked: boolean;
  /** Whether it is told of this task in any case, asked for or not. Default: no. */
  tells?(task: AddressedTask): boolean;
  /** A task that is sent in another way. */
  remember?(task: AddressedTask): void;
  /** Before a task is sent whose result is asked for: writes into its properties where the result is to go. */
  ask(task: Task, properties: MessageProperties): Promise<void>;
  /** The broker has it. */
  accepted(task: Task): void;
  /** The broker will never run it. */
  refused(task: Task): void;
  /** Nobody here is interested in it any more. */
  withdraw(uuid: string): void;
  /** @throws DispatcherError where nothing can ever be known of it here */
  check(uuid: string): void;
  close(): void;
}
