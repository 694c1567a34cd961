import type { QueueMinute } from '../model.js';
import { MINUTE_MS, MINUTES } from '../book/queue-minutes.js';
import type { QueuePart } from './messages.js';

/** What one process has told of its queues. */
interface Told {
  /** By its own clock, up to when its minutes are known here; `undefined`: some are missing. */
  until: number | undefined;
  readonly parts: Map<string, QueuePart>;
}

/** What an answer has told. */
export interface TellingOf {
  readonly process: string;
  readonly startedAt: number;
  /** When it was told, and which minutes were asked for (`undefined`: all), by its clock. */
  readonly at: number;
  readonly since: number | undefined;
  readonly parts: readonly QueuePart[];
  /** Not all of it fitted into the answer. */
  readonly isCut: boolean;
}

/**
 * What processes have told of their queues, so that whoever looks again and again is told the present minute alone; and
 * so that one that is late for once is not without tasks. Pure: time is an argument.
 */
export class ToldParts {
  private readonly told = new Map<string, Told>();

  /** Which minutes all of these have to tell, of the processes that are known; `undefined`: all of them. */
  since(processes: readonly string[]): number | undefined {
    let least = Infinity;
    for (const process of processes) least = Math.min(least, this.told.get(process)?.until ?? -Infinity);
    return Number.isFinite(least) ? Math.floor(least / MINUTE_MS) * MINUTE_MS : undefined;
  }

  take({ process, startedAt, at, since, parts, isCut }: TellingOf): void {
    const before = this.told.get(process);
    const known = isCut ? before?.parts ?? new Map<string, QueuePart>() : new Map<string, QueuePart>();
    for (const [index, part] of parts.entries()) {
      const key = part.worker ?? `${index} ${part.queue}`;
      known.set(key, since === undefined ? part : { ...part, history: [...olderMinutes(before?.parts.get(key), since, at), ...part.history] });
    }
    // Of one that was not known when it was asked, what came before is missing: unless there was nothing before.
    const isWhole = since === undefined || before?.until !== undefined || startedAt >= since;
    this.told.set(process, { until: isCut ? before?.until : isWhole ? at : undefined, parts: known });
  }

  /** Of these processes, whether they have answered the last time or not; the others are forgotten. */
  of(processes: readonly string[]): QueuePart[] {
    const wanted = new Set(processes);
    for (const process of this.told.keys()) if (!wanted.has(process)) this.told.delete(process);
    return [...this.told.values()].flatMap(({ parts }) => [...parts.values()]);
  }
}

function olderMinutes(part: QueuePart | undefined, since: number, now: number): readonly QueueMinute[] {
  return part === undefined ? [] : part.history.filter(({ at }) => at < since && at > now - MINUTES * MINUTE_MS);
}
