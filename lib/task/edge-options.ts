import { argumentKeyProblem, type ArgumentKey } from './argument-key.js';
import { display } from './argument-types.js';
import { trueOrFalse } from './option-kinds.js';
import { unknownOption } from './options.js';

/** Which of the tasks that come within one window run. @publicApi */
export interface EdgeOptions {
  /**
   * Where in the arguments the key stands, such as `account`, `1.id`, or a function of the arguments: tasks of the same
   * name and key share a window. Where that leads to nothing, the task has no key, and is published as any other.
   * Default: all arguments.
   */
  readonly by?: ArgumentKey;
  /** The first runs at once, and opens the window. Default: false with `debounce`, true with `throttle`. */
  readonly leading?: boolean;
  /** The last runs when the window ends. Default: true. */
  readonly trailing?: boolean;
}

/** Of many tasks of one key that come shortly after one another, the last runs, or the first, or both. @publicApi */
export interface DebounceOptions extends EdgeOptions {
  /** How long nothing may come until the window ends: it slides on with each task. Seconds, from 0.05. */
  readonly waitSeconds: number;
  /** After so many seconds from its first task the window ends in any case. Default: never, as long as tasks come. */
  readonly maxWaitSeconds?: number;
}

/** Of one key at most one task runs in a window: the first at once, the last of those that came meanwhile at its end. @publicApi */
export interface ThrottleOptions extends EdgeOptions {
  /** How long a window is. It does not slide. Seconds, from 0.05. */
  readonly windowSeconds: number;
}

/** What became of a task that was published with `debounce` or `throttle`. @publicApi */
export type EdgeOutcome =
  /** It was published, and runs at once: the first of a window. */
  | { readonly taken: true; readonly as: 'leading' }
  /** It was published, and waits for the end of its window: `dueAt` in milliseconds since 1970, if no other comes. */
  | { readonly taken: true; readonly as: 'trailing'; readonly dueAt: number }
  /** Nothing was published: the task `uuid` stands for it. `replaced`: that one starts with these arguments, or newer ones; otherwise they are gone. */
  | { readonly taken: false; readonly uuid: string; readonly replaced: boolean };

export type EdgeKind = 'debounce' | 'throttle';

/** Either of the two, as it is applied. */
export interface EdgeSpec {
  readonly kind: EdgeKind;
  /** How long a window is, or nothing may come. */
  readonly waitMs: number;
  /** Of a debounce; absent: no limit. */
  readonly maxWaitMs?: number;
  readonly leading: boolean;
  readonly trailing: boolean;
}

/** The window that a task shares with others of its key. */
export interface EdgeRequest extends EdgeSpec {
  /** In the shared state. */
  readonly key: string;
}

/** What a handler or a publish says of edges: one of the two. */
export type EdgeChoice = { readonly debounce: DebounceOptions } | { readonly throttle: ThrottleOptions };

const LEAST_SECONDS = 0.05;
const MOST_SECONDS = 366 * 24 * 3600;
const BOTH: readonly string[] = ['by', 'leading', 'trailing'];
const OPTIONS: Readonly<Record<EdgeKind, { readonly names: readonly string[]; readonly length: 'waitSeconds' | 'windowSeconds'; readonly example: string }>> = {
  debounce: { names: ['waitSeconds', 'maxWaitSeconds', ...BOTH], length: 'waitSeconds', example: '{ waitSeconds: 5 }' },
  throttle: { names: ['windowSeconds', ...BOTH], length: 'windowSeconds', example: '{ windowSeconds: 60 }' },
};

/** What is wrong with these options, or `undefined`. */
export function edgeProblem(kind: EdgeKind, options: unknown): string | undefined {
  const { names, length, example } = OPTIONS[kind];
  if (typeof options !== 'object' || options === null || Array.isArray(options)) return `${kind} must be an object such as ${example}, found ${display(options)}`;
  const given = options as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(given).find((name) => !names.includes(name));
  if (unknown !== undefined) return unknownOption(kind, unknown, names).slice(0, -1);
  if (!isTime(given[length])) return `${kind}.${length} must be a number of seconds from ${LEAST_SECONDS} to ${MOST_SECONDS} (a year), such as ${example}; found ${display(given[length])}`;
  const key = given['by'] === undefined ? undefined : argumentKeyProblem(given['by']);
  if (key !== undefined) return `${kind}.by ${key}`;
  const flag = ['leading', 'trailing'].find((name) => given[name] !== undefined && !trueOrFalse.fits(given[name]));
  if (flag !== undefined) return `${kind}.${flag} must be true or false, found ${display(given[flag])}`;
  return togetherProblem(kind, given);
}

/** Of options without a problem. */
export function edgeSpec(choice: EdgeChoice): EdgeSpec {
  if ('throttle' in choice) {
    const { windowSeconds, leading = true, trailing = true } = choice.throttle;
    return { kind: 'throttle', waitMs: windowSeconds * 1000, leading, trailing };
  }
  const { waitSeconds, maxWaitSeconds, leading = false, trailing = true } = choice.debounce;
  return { kind: 'debounce', waitMs: waitSeconds * 1000, ...(maxWaitSeconds === undefined ? {} : { maxWaitMs: maxWaitSeconds * 1000 }), leading, trailing };
}

function togetherProblem(kind: EdgeKind, { waitSeconds, maxWaitSeconds, leading = kind === 'throttle', trailing = true }: Readonly<Record<string, unknown>>): string | undefined {
  if (leading === false && trailing === false) return `${kind} has neither a leading nor a trailing edge, so that no task would ever run: leave one of them true`;
  if (maxWaitSeconds === undefined) return undefined;
  if (!isTime(maxWaitSeconds)) return `debounce.maxWaitSeconds must be a number of seconds from ${LEAST_SECONDS} to ${MOST_SECONDS} (a year), found ${display(maxWaitSeconds)}`;
  if ((maxWaitSeconds as number) < (waitSeconds as number)) return `debounce.maxWaitSeconds (${display(maxWaitSeconds)}) must not be shorter than waitSeconds (${display(waitSeconds)})`;
  return undefined;
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && value >= LEAST_SECONDS && value <= MOST_SECONDS;
}
