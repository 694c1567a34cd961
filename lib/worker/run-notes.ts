import { detached, shortened, textOf } from '../task/error-text.js';
import { clock } from '../time/clock.js';
import type { TaskLogger } from './task-context.js';

const MOST_LINES = 50;
const MOST_CHARACTERS = 500;
const MOST_TEXT = 200;
const MOST_SENT = 50;

export interface NotedLine {
  readonly at: number;
  readonly level: 'debug' | 'log' | 'warn' | 'error';
  readonly text: string;
}

export interface NotedProgress {
  readonly percent: number;
  readonly text?: string;
  readonly at: number;
}

/** What a handler has said last of itself: the last lines of its log, how far it is, and the first tasks that it has published. */
export class RunNotes {
  /** How many lines were dropped before those that are here. */
  dropped = 0;
  private readonly kept: NotedLine[] = [];
  private published: string[] | undefined;
  private fraction: number | undefined;
  private data: unknown;
  private reachedAt = 0;

  get lines(): readonly NotedLine[] { return this.kept; }

  /** Uuids. */
  get sent(): readonly string[] | undefined { return this.published; }

  /** Only noted, since handlers may call it very often; made into words when somebody looks. */
  get progress(): NotedProgress | undefined {
    const { fraction, data, reachedAt: at } = this;
    if (fraction === undefined) return undefined;
    return { percent: Math.round(fraction * 1000) / 10, at, ...(data === undefined ? {} : { text: shortened(dataText(data), MOST_TEXT) }) };
  }

  reached(fraction: number, data: unknown, at: number): void {
    this.fraction = fraction;
    this.data = data;
    this.reachedAt = at;
  }

  addSent(uuid: string): void {
    const published = (this.published ??= []);
    if (published.length < MOST_SENT) published.push(detached(uuid));
  }

  add(level: NotedLine['level'], message: unknown): void {
    if (this.kept.length >= MOST_LINES) {
      this.kept.shift();
      this.dropped++;
    }
    this.kept.push({ at: clock.now(), level, text: detached(shortened(textOf(message), MOST_CHARACTERS)) });
  }
}

/** The same logger, of which the last lines are noted. */
export function noting(logger: TaskLogger, notes: RunNotes): TaskLogger {
  return {
    log: (message) => { notes.add('log', message); logger.log(message); },
    warn: (message) => { notes.add('warn', message); logger.warn(message); },
    error: (message, stack) => { notes.add('error', message); logger.error(message, stack); },
    debug: (message) => { notes.add('debug', message); logger.debug(message); },
  };
}

function dataText(data: unknown): string {
  if (typeof data !== 'object' || data === null) return textOf(data);
  try {
    return JSON.stringify(data);
  } catch {
    return textOf(data);
  }
}
