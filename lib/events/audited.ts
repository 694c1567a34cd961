import { display } from '../task/argument-types.js';
import { shortened } from '../task/error-text.js';
import type { ActionEvent, ActionFacts, ActionName } from './action-event.js';

const LONGEST_WHO = 200;
const LONGEST_TEXT = 300;
const MOST_FACTS = 20;

/** What is about to be done, in the words of whoever wants it: nothing of it has been checked. */
export interface Acted {
  readonly action: ActionName;
  readonly by?: unknown;
  readonly reason?: unknown;
  readonly what: Readonly<Record<string, unknown>>;
}

/** How many it concerned. */
export interface Concerned {
  readonly count?: number;
  readonly failed?: number;
}

/** Does something, and tells that it was done or why it was not, once. */
export type Audited = <T>(acted: Acted, work: () => Promise<T>, concerned?: (done: T) => Concerned) => Promise<T>;

export function auditedBy(emit: (event: ActionEvent) => void): Audited {
  return async (acted, work, concerned) => {
    const facts = factsOf(acted);
    try {
      const done = await work();
      emit({ type: 'action.performed', ...facts, ...concerned?.(done) });
      return done;
    } catch (error) {
      emit({ type: 'action.failed', ...facts, error });
      throw error;
    }
  };
}

/** For a step of something that is told as a whole. */
export const unaudited: Audited = (_acted, work) => work();

function factsOf({ action, by, reason, what }: Acted): ActionFacts {
  const given = Object.entries(what).filter(([, value]) => value !== undefined).slice(0, MOST_FACTS);
  return {
    action, ...(by === undefined ? {} : { by: textOf(by, LONGEST_WHO) }), ...(reason === undefined ? {} : { reason: textOf(reason, LONGEST_TEXT) }),
    what: Object.fromEntries(given.map(([name, value]) => [name, typeof value === 'number' || typeof value === 'boolean' ? value : textOf(value, LONGEST_TEXT)])),
  };
}

function textOf(value: unknown, longest: number): string {
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value.toISOString();
  return shortened(typeof value === 'string' ? value : display(value), longest);
}
