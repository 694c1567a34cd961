import type { MessageProperties } from '../../brokers/broker.js';
import type { EncodedTask } from '../../formats/format.js';
import type { Level } from '../../task/priority.js';
import { InvalidTaskError } from '../../errors.js';
import type { EdgeKind } from '../../task/edge-options.js';
import type { AddressedTask, TaskArgument } from '../../task/task.js';
import type { UniqueMark } from '../../task/unique-options.js';

/** A task that was published, checked and encoded, and is kept somewhere else before it goes to the broker. @publicApi */
export interface KeptTask {
  readonly uuid: string;
  readonly name: string;
  readonly args: readonly TaskArgument[];
  readonly routingKey: string;
  /** The earliest time to run, in milliseconds since 1970. Absent: at once. */
  readonly dueAt?: number;
  /** `high` or `low`; absent: normal. */
  readonly level?: Level;
  /** The unique key that it takes when it is sent. */
  readonly unique?: UniqueMark;
  /** What is sent. */
  readonly body: Buffer;
  readonly properties: MessageProperties;
}

/** Keeps one task; `publish` resolves and rejects as it does. @publicApi */
export type KeepTask = (task: KeptTask) => Promise<void>;

/** Asked at each publish: where the task is to be kept; `undefined`, that it is to be sent at once. @publicApi */
export type TaskKeeper = () => KeepTask | undefined;

export function keptTask({ uuid, name, args, routingKey, dueAt, level, unique }: AddressedTask, { body, properties }: EncodedTask): KeptTask {
  return {
    uuid, name, args, routingKey, body, properties,
    ...dueAt === undefined ? {} : { dueAt }, ...level === undefined ? {} : { level }, ...unique === undefined ? {} : { unique },
  };
}

/** When it would be sent, its window is another, and what it may leave to others is not kept. */
export function edgeCannotBeKept(name: string, kind: EdgeKind): InvalidTaskError {
  return new InvalidTaskError(`Task "${name}" has ${kind}, and is published in a transaction: which of its window runs is decided when it is published, and only later is it sent. Say ${kind}: false, or publish it outside of the transaction.`, { task: name });
}

/** What publishes for itself, and would go past the keeper. */
export function cannotBeKept(name: string): InvalidTaskError {
  return new InvalidTaskError(`Task "${name}" is a step of a workflow, which begins at once: it cannot be kept until a transaction ends. Publish a task in the transaction that starts the workflow when it runs.`, { task: name });
}
