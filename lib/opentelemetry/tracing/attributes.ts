import type { Attributes } from '@opentelemetry/api';
import type { DispatcherDestination } from '../../index.js';
import type { TracedTask } from '../options.js';

/** Names of the semantic conventions for messaging, 1.45; a test holds them against the package that lists them. */
export const Name = {
  system: 'messaging.system.name',
  /** Its name until 1.44, by which most that show traces know it. */
  formerSystem: 'messaging.system',
  operationType: 'messaging.operation.type',
  operationName: 'messaging.operation.name',
  destination: 'messaging.destination.name',
  routingKey: 'messaging.rabbitmq.destination.routing_key',
  messageId: 'messaging.message.id',
  conversationId: 'messaging.message.conversation_id',
  batchCount: 'messaging.batch.message_count',
  errorType: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
} as const;

/** What the conventions have no name for. */
export const OwnName = {
  dispatcher: 'dispatcher.name',
  task: 'dispatcher.task.name',
  attempt: 'dispatcher.task.attempt',
  redelivered: 'dispatcher.task.redelivered',
  replays: 'dispatcher.task.replays',
  worker: 'dispatcher.worker.name',
  schedule: 'dispatcher.schedule.name',
  retryDelayMs: 'dispatcher.task.retry_delay_ms',
  deadReason: 'dispatcher.task.dead_reason',
  verdict: 'dispatcher.task.verdict',
  taken: 'dispatcher.task.unique_taken',
  batch: 'dispatcher.batch.id',
  batchKey: 'dispatcher.batch.key',
} as const;

/** The same for all spans of a dispatcher. */
export function commonAttributes(dispatcher: string, { system, host, port }: DispatcherDestination): Attributes {
  return { [Name.system]: system, [Name.formerSystem]: system, [Name.serverAddress]: host, [Name.serverPort]: port, [OwnName.dispatcher]: dispatcher };
}

/** A user's own; who cannot say any says none. */
export function addedAttributes(ask: ((task: TracedTask) => Attributes) | undefined, task: TracedTask): Attributes | undefined {
  try {
    return ask?.(task);
  } catch {
    return undefined;
  }
}
