import { Cron } from 'croner';
import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { everyMs } from './every.js';

/** When a schedule fires: the same instants in every process, whenever it was started. Instants are milliseconds since 1970. */
export interface Recurrence {
  /** How two processes see whether they mean the same. */
  readonly text: string;
  /** The first tick after this instant; `undefined` where there is none. */
  next(after: number): number | undefined;
  /** The last tick before this instant; `undefined` where there is none. */
  previous(before: number): number | undefined;
}

/** Not the time zone of the machine: processes on different machines must agree. */
const DEFAULT_TIME_ZONE = 'UTC';

const ZONE_PREFIX = /^(?:CRON_)?TZ=(\S+)\s+/;
const EXAMPLE = "Write, for instance, '*/5 * * * *' (minute hour day month weekday), with seconds '0 */5 * * * *', '@daily' or '@every 30s'.";

/**
 * @param text five or six fields, `@hourly` and its kin, or `@every 1h30m`; before it `TZ=Europe/Berlin` is understood
 * @throws ConfigurationError that names `where`
 */
export function parseRecurrence(text: unknown, timeZone: unknown, where: string): Recurrence {
  if (typeof text !== 'string' || text.trim() === '') {
    throw new ConfigurationError(`${where} needs a text that says when; found ${display(text)}. ${EXAMPLE}`, { schedule: text });
  }
  const prefix = ZONE_PREFIX.exec(text.trim())?.[1];
  if (prefix !== undefined && timeZone !== undefined && prefix !== timeZone) {
    throw new ConfigurationError(`${where} has two time zones, ${display(timeZone)} and "${prefix}" in its text. Remove one.`, { schedule: text, timeZone });
  }
  const plain = text.trim().replace(ZONE_PREFIX, '').trim();
  const zone = prefix ?? timeZone;
  if (/^@every\b/i.test(plain)) return everyRecurrence(everyMs(plain.slice('@every'.length), where), zone, where);
  return cronRecurrence(plain, checkTimeZone(zone ?? DEFAULT_TIME_ZONE, where), where);
}

/** Counted from 1970, not from a start: so all processes agree, and a restart moves nothing. */
function everyRecurrence(periodMs: number, zone: unknown, where: string): Recurrence {
  if (zone !== undefined) throw new ConfigurationError(`${where} has a time zone, but "@every" counts from 1970 in UTC. Remove the time zone, or write a cron text.`, { timeZone: zone });
  return {
    text: `@every ${periodMs}ms`,
    next: (after) => (Math.floor(after / periodMs) + 1) * periodMs,
    previous: (before) => (Math.ceil(before / periodMs) - 1) * periodMs,
  };
}

function cronRecurrence(text: string, timeZone: string, where: string): Recurrence {
  const cron = parseCron(text, timeZone, where);
  const recurrence: Recurrence = {
    text: `${text.replace(/\s+/g, ' ')} ${timeZone}`,
    next: (after) => cron.nextRun(new Date(after))?.getTime(),
    previous: (before) => cron.previousRuns(1, new Date(before))[0]?.getTime(),
  };
  if (recurrence.next(0) === undefined) {
    throw new ConfigurationError(`${where}: "${text}" never comes, as the 30th of February does not. ${EXAMPLE}`, { schedule: text });
  }
  return recurrence;
}

/**
 * Where clocks are put forward, a fixed time of day that is skipped comes at the end of the gap; where they are put
 * back, it comes once, the first time. What repeats (with `*` or a step) follows real time through both.
 */
function parseCron(text: string, timezone: string, where: string): Cron {
  // It would take a single date too, and a field for the year.
  const fields = text.split(/\s+/).length;
  if (!text.startsWith('@') && fields !== 5 && fields !== 6) throw notASchedule(text, where, `it has ${fields} field${fields === 1 ? '' : 's'}; expected 5, or 6 with seconds in front.`);
  try {
    return new Cron(text, { timezone, paused: true, fixedTimeRule: 'no-wildcard' });
  } catch (error) {
    throw notASchedule(text, where, (error as Error).message.replace(/^CronPattern: /, ''), error);
  }
}

function notASchedule(text: string, where: string, reason: string, cause?: unknown): ConfigurationError {
  return new ConfigurationError(`${where}: "${text.slice(0, 100)}" is no schedule: ${reason} ${EXAMPLE}`, { schedule: text }, cause);
}

function checkTimeZone(zone: unknown, where: string): string {
  try {
    if (typeof zone === 'string' && zone !== '') return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone && zone;
  } catch {
    // Said below.
  }
  throw new ConfigurationError(`${where}: the time zone ${display(zone)} is unknown here. Write its IANA name, such as 'Europe/Berlin', or leave it out for UTC.`, { timeZone: zone });
}
