import { display } from './argument-types.js';
import { answersAtOnce } from './option-kinds.js';
import { unknownOption } from './options.js';

/** For how long a key is held. @publicApi */
export type UniqueScope = 'untilStarted' | 'untilFinished' | 'window';

/** Of the tasks with the same key only one at a time is taken. @publicApi */
export interface UniqueOptions {
  /**
   * What may be there once, among tasks of the same name: a text, or a function from the arguments to one. Default: the
   * arguments.
   */
  readonly key?: string | ((args: readonly unknown[]) => string);
  /**
   * - `untilStarted`: until its first attempt starts. What is published while it runs is taken, and runs after or beside it.
   * - `untilFinished`: until it has succeeded, or ended otherwise; retries are not an end.
   * - `window`: for `seconds`, whatever becomes of it.
   */
  readonly scope: UniqueScope;
  /**
   * After so many seconds the key is free in any case, lest a task that was lost holds it for ever: counted from the
   * time at which the task may run, with `untilFinished` anew from each start and retry. Make it longer than a task may
   * wait and run. Default: 86400, a day; with `window` required.
   */
  readonly seconds?: number;
  /** What is refused leaves its arguments to the task that holds the key: it starts with the newest. Default: false. */
  readonly replaceArguments?: boolean;
}

/** What became of a task that was published with a unique key. @publicApi */
export type UniqueOutcome =
  /** The key was free: the task was published, and holds it. */
  | { readonly taken: true }
  /** Another task holds the key; nothing was published. `replaced`: it will start with these arguments. */
  | { readonly taken: false; readonly uuid: string; readonly replaced: boolean };

/** What travels with the task, so that whoever runs it can free the key. */
export interface UniqueMark {
  /** In the shared state. */
  readonly key: string;
  readonly scope: UniqueScope;
  readonly seconds: number;
  /** Proves that the key is held by this very publication. */
  readonly token: string;
  readonly replace: boolean;
}

export const UNIQUE_SCOPES: readonly UniqueScope[] = ['untilStarted', 'untilFinished', 'window'];
const OPTIONS: readonly string[] = ['key', 'scope', 'seconds', 'replaceArguments'];
const LONGEST_SECONDS = 10 * 366 * 24 * 3600;

/** What is wrong with these options, or `undefined`. */
export function uniqueProblem(options: unknown): string | undefined {
  if (typeof options !== 'object' || options === null) return `unique must be an object such as { scope: 'untilFinished' }, found ${display(options)}`;
  const unknown = Object.keys(options).find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) return unknownOption('unique', unknown, OPTIONS).slice(0, -1);
  const { key, scope, seconds, replaceArguments } = options as Partial<UniqueOptions>;
  if (!UNIQUE_SCOPES.includes(scope as UniqueScope)) return `unique.scope must be one of ${UNIQUE_SCOPES.join(', ')}, found ${display(scope)}`;
  if (key !== undefined && !answersAtOnce.fits(key) && (typeof key !== 'string' || key === '')) return `unique.key must be a text that is not empty, or a function that answers at once, found ${display(key)}`;
  if (seconds === undefined && scope === 'window') return 'unique.seconds is required with the scope "window": how long is it?';
  if (seconds !== undefined && !(typeof seconds === 'number' && seconds >= 0.001 && seconds <= LONGEST_SECONDS)) {
    return `unique.seconds must be a number from 0.001 to ${LONGEST_SECONDS} (10 years), found ${display(seconds)}`;
  }
  if (replaceArguments !== undefined && typeof replaceArguments !== 'boolean') return `unique.replaceArguments must be true or false, found ${display(replaceArguments)}`;
  return undefined;
}
