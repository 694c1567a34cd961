import type { DeclaredParameter } from '../../contract/describe/parameters.js';
import type { ArgumentSchemas } from '../../task/argument-schema.js';
import type { TaskOptions } from '../config/task-options.js';

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
  /** As its `@Task` says. */
  readonly options?: TaskOptions | undefined;
  /** Of its arguments. Asked for when somebody wants the contract. */
  readonly parameters?: (() => readonly DeclaredParameter[]) | undefined;
}

export function versionOfTask({ options }: Pick<KnownTask, 'options'>): number {
  return options?.version ?? 1;
}

/** `undefined`: by the dispatcher's default key. */
export function routingKeyOf({ queue, routingKey }: Pick<KnownTask, 'queue' | 'routingKey'>): string | undefined {
  return routingKey ?? queue;
}
