import { display } from '../task/argument-types.js';

/** An error as it is kept and shown: of a handler, wherever it ran. @publicApi */
export interface TaskErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** `error.code`, where it is a text or a number. */
  readonly code?: string | number;
  readonly cause?: TaskErrorRecord;
}

const MAX_MESSAGE = 8 * 1024;
const MAX_STACK = 16 * 1024;
const MAX_CAUSES = 4;

/** Whatever was thrown, as a record of bounded size; never throws, whatever the error's getters do. */
export function errorRecord(thrown: unknown, causes = MAX_CAUSES): TaskErrorRecord {
  try {
    return thrown instanceof Error ? ofError(thrown, causes) : { name: 'NonError', message: cut(`The handler threw ${display(thrown)}, not an error.`, MAX_MESSAGE) };
  } catch {
    return { name: 'Error', message: 'The handler threw an error that cannot be read.' };
  }
}

function ofError(error: Error, causes: number): TaskErrorRecord {
  const { name, message, stack, cause } = error;
  const { code } = error as { code?: unknown };
  return {
    name: cut(String(name), 256),
    message: cut(String(message), MAX_MESSAGE),
    ...(typeof stack === 'string' ? { stack: cut(stack, MAX_STACK) } : {}),
    ...(typeof code === 'string' || Number.isFinite(code) ? { code: code as string | number } : {}),
    ...(cause === undefined || causes === 0 ? {} : { cause: errorRecord(cause, causes - 1) }),
  };
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most)}... (${text.length} characters)`;
}
