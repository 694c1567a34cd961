import { errorName, isA, isList, propertyOf } from './error-text.js';

/** What was thrown, and what it says was behind it. */
export interface ErrorTree {
  readonly thrown: unknown;
  readonly cause?: ErrorTree;
  /** Of an `AggregateError`, the first ones. */
  readonly members: readonly ErrorTree[];
  /** How many members there are beyond these. */
  readonly more: number;
}

const DEEPEST = 4;
const MOST_MEMBERS = 10;
/** Of one tree, the first included. */
const MOST_ERRORS = 20;

/**
 * Follows `cause`, and the `errors` of an `AggregateError`, within limits and never twice to the same object. Never throws,
 * whatever it finds: what cannot be read is not there.
 */
export function errorTree(thrown: unknown): ErrorTree {
  return new Climb().at(thrown, DEEPEST);
}

class Climb {
  private readonly seen = new Set<unknown>();
  private left = MOST_ERRORS;

  at(thrown: unknown, deeper: number): ErrorTree {
    this.seen.add(thrown);
    this.left--;
    const cause = propertyOf(thrown, 'cause');
    const next = isA(thrown, Error) && cause !== undefined && this.mayGoTo(cause, deeper) ? this.at(cause, deeper - 1) : undefined;
    return { thrown, ...(next === undefined ? {} : { cause: next }), ...this.membersOf(thrown, deeper) };
  }

  private membersOf(thrown: unknown, deeper: number): Pick<ErrorTree, 'members' | 'more'> {
    const errors = isAggregate(thrown) ? propertyOf(thrown, 'errors') : undefined;
    const count = isList(errors) ? countOf(errors) : 0;
    const members: ErrorTree[] = [];
    let visited = 0;
    for (; visited < Math.min(count, MOST_MEMBERS); visited++) {
      const member = propertyOf(errors, String(visited));
      if (this.left <= 0 || deeper === 0) break;
      if (!this.seen.has(member) || !isObject(member)) members.push(this.at(member, deeper - 1));
    }
    return { members, more: count - visited };
  }

  private mayGoTo(thrown: unknown, deeper: number): boolean {
    return deeper > 0 && this.left > 0 && !(isObject(thrown) && this.seen.has(thrown));
  }
}

/** By its name too: one that came out of a thread has lost its class. */
function isAggregate(thrown: unknown): thrown is Error {
  return isA(thrown, Error) && (isA(thrown, AggregateError) || errorName(thrown) === 'AggregateError');
}

function countOf(list: unknown): number {
  const length = propertyOf(list, 'length');
  return typeof length === 'number' && length > 0 ? length : 0;
}

function isObject(value: unknown): boolean {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
