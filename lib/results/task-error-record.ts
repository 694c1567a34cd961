import { display } from '../task/argument-types.js';
import { errorMessage, errorName, isA, propertyOf, shortened, stackOf } from '../task/error-text.js';

/** An error as it is kept and shown: of a handler, wherever it ran. @publicApi */
export interface TaskErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** `error.code`, where it is a text or a number. */
  readonly code?: string | number;
  readonly cause?: TaskErrorRecord;
}

const MAX_NAME = 256;
const MAX_CAUSES = 4;

/** Whatever was thrown, as a record of bounded size; never throws: what cannot be read of it is left out. */
export function errorRecord(thrown: unknown, causes = MAX_CAUSES): TaskErrorRecord {
  return isA(thrown, Error) ? ofError(thrown, causes) : { name: 'NonError', message: `The handler threw ${display(thrown)}, not an error.` };
}

function ofError(error: Error, causes: number): TaskErrorRecord {
  const stack = stackOf(error);
  const code = propertyOf(error, 'code');
  const cause = propertyOf(error, 'cause');
  return {
    name: shortened(errorName(error), MAX_NAME),
    message: errorMessage(error),
    ...(stack === undefined ? {} : { stack }),
    ...(isCode(code) ? { code } : {}),
    ...(cause === undefined || causes === 0 ? {} : { cause: errorRecord(cause, causes - 1) }),
  };
}

function isCode(code: unknown): code is string | number {
  return typeof code === 'string' ? code.length <= MAX_NAME : Number.isFinite(code);
}
