import type { ArgumentSchemas } from '../../task/argument-schema.js';

/** A task that this process has the code of, and where it belongs. */
export interface KnownTask {
  readonly name: string;
  /** `MailTasks.send (module MailModule)`, for people. */
  readonly origin: string;
  /** The queue that it belongs in. Absent: in any. */
  readonly queue?: string | undefined;
  /** How it gets there. Absent: by the name of its queue, or where there is none by the default key. */
  readonly routingKey?: string | undefined;
  /** Its arguments are checked by these before it is sent. */
  readonly schemas?: ArgumentSchemas | undefined;
}

/** `undefined`: by the dispatcher's default key. */
export function routingKeyOf({ queue, routingKey }: Pick<KnownTask, 'queue' | 'routingKey'>): string | undefined {
  return routingKey ?? queue;
}
