import { display } from '../task/argument-types.js';
import { errorMessage, errorName, isA, propertyOf, shortened, stackOf } from '../task/error-text.js';
import { errorTree, type ErrorTree } from '../task/error-tree.js';

/** An error as it is kept and shown: of a handler, wherever it ran. @publicApi */
export interface TaskErrorRecord {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  /** `error.code`, where it is a text or a number. */
  readonly code?: string | number;
  /** At most four, one behind the other. */
  readonly cause?: TaskErrorRecord;
  /** Of an `AggregateError`: the first ten of its errors. */
  readonly errors?: readonly TaskErrorRecord[];
}

const MAX_NAME = 256;
/** In characters: what all errors behind the first one may take together. */
const BEHIND = 48 * 1024;

/** Whatever was thrown, as a record of bounded size; never throws: what cannot be read of it is left out. */
export function errorRecord(thrown: unknown): TaskErrorRecord {
  return recordOf(errorTree(thrown), { left: Infinity }, { left: BEHIND });
}

/** The first error alone. */
export function shortErrorRecord(thrown: unknown): Pick<TaskErrorRecord, 'name' | 'message' | 'code'> {
  return isA(thrown, Error) ? headOf(thrown) : noError(thrown);
}

interface Room { left: number }

function recordOf({ thrown, cause, members }: ErrorTree, own: Room, behind: Room): TaskErrorRecord {
  if (!isA(thrown, Error)) return noError(thrown);
  const head = headOf(thrown, own);
  const stack = within(own, stackOf(thrown));
  return {
    ...head,
    ...(stack === undefined ? {} : { stack }),
    ...(cause === undefined ? {} : { cause: recordOf(cause, behind, behind) }),
    ...(members.length === 0 ? {} : { errors: members.map((member) => recordOf(member, behind, behind)) }),
  };
}

function headOf(error: Error, room: Room = { left: Infinity }): Pick<TaskErrorRecord, 'name' | 'message' | 'code'> {
  const code = propertyOf(error, 'code');
  return { name: shortened(errorName(error), MAX_NAME), message: within(room, errorMessage(error)) ?? '', ...(isCode(code) ? { code } : {}) };
}

function within(room: Room, text: string | undefined): string | undefined {
  const kept = text?.slice(0, room.left);
  room.left -= kept?.length ?? 0;
  return kept === '' ? undefined : kept;
}

function noError(thrown: unknown): TaskErrorRecord {
  return { name: 'NonError', message: `The handler threw ${display(thrown)}, not an error.` };
}

function isCode(code: unknown): code is string | number {
  return typeof code === 'string' ? code.length <= MAX_NAME : Number.isFinite(code);
}
