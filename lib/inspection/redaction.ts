import type { EndedState } from './model.js';
import type { TaskArgument, TaskHeaders } from '../task/task.js';

/** @publicApi */
export interface InspectionConfig {
  /**
   * False: this process tells nobody what it does, and keeps nothing for it; it can still ask others. Default: true.
   */
  enabled?: boolean;
  /**
   * What may be told of a task's arguments, asked whenever somebody looks. What it is given has lost already what stands
   * under a name such as `password`, `token`, `secret` or `authorization`. Where it throws, no arguments are told.
   * Default: nothing more is hidden.
   */
  redact?: Redact;
  /**
   * Ended tasks are kept in the store of `resultBackend` too, and found by `inspect.recent()` beyond what processes
   * remember; every process that is to write or to find them needs it. Default: they are not.
   */
  history?: HistoryConfig;
}

/** @publicApi */
export interface HistoryConfig {
  /** For how many days, from 1 to 90. */
  keepDays: number;
  /** Those that ended so. Default: `failed`, `cancelled` and `expired`. */
  states?: readonly EndedState[];
}

/** @publicApi */
export type Redact = (args: readonly TaskArgument[], task: { readonly name: string; readonly queue: string }) => readonly TaskArgument[];

export const HIDDEN = '[hidden]';
const SECRET = /pass(word|wd|phrase)|^pass$|secret|token|authori[sz]ation|api[-_]?key|private[-_]?key|credential|cookie|^pin$|^cvv$/i;
const DEEPEST = 12;
const MOST_VALUES = 20_000;

/** What leaves the process in place of arguments and headers. The originals stay as they are. */
export class Redaction {
  constructor(private readonly hook?: Redact) {}

  /** `undefined`: nothing may be told. Never throws. */
  args(args: readonly TaskArgument[] | undefined, task: { readonly name: string; readonly queue: string }): readonly TaskArgument[] | undefined {
    if (args === undefined) return undefined;
    try {
      const room = { left: MOST_VALUES };
      const hidden = args.map(({ type, value }) => ({ type, value: without(value, 0, room) }));
      const told: unknown = this.hook === undefined ? hidden : this.hook(hidden, task);
      return Array.isArray(told) ? told as readonly TaskArgument[] : undefined;
    } catch {
      return undefined;
    }
  }

  headers(headers: TaskHeaders | undefined): TaskHeaders | undefined {
    return headers === undefined ? undefined : without(headers, 0, { left: MOST_VALUES }) as TaskHeaders;
  }

  /** Of whatever else is told. */
  fields(fields: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    return without(fields, 0, { left: MOST_VALUES }) as Readonly<Record<string, unknown>>;
  }
}

/** A copy without secrets, as far down as anybody reads. */
function without(value: unknown, depth: number, room: { left: number }): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= DEEPEST || --room.left < 0) return '[...]';
  if (Array.isArray(value)) return value.map((one) => without(one, depth + 1, room));
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, SECRET.test(key) && one !== null ? HIDDEN : without(one, depth + 1, room)]));
}
