import { type DeadLetterConditions, REASONS } from '../../dead-letters/dead-letter.js';
import type { TaskFilter } from '../../inspection/model.js';
import { UsageError } from '../failures.js';
import { instant } from '../options.js';
import type { Given, Property } from './tool.js';

export const MOST = 100;
const DEFAULT_LIMIT = 20;
const TIME = 'an ISO 8601 instant such as 2026-05-01T12:00:00Z, or how long ago: 2h';

export const QUEUE: Property = { type: 'string', description: 'name of the work queue' };
export const UUID: Property = { type: 'string', description: 'uuid of the task', maxLength: 255 };
export const LIMIT: Property = { type: 'integer', description: `how many at most; ${DEFAULT_LIMIT} unless said otherwise`, minimum: 1, maximum: MOST };
export const REASON: Property = { type: 'string', description: 'why, for others to see', maxLength: 500 };

export const RUNNING_FILTER: Readonly<Record<string, Property>> = {
  name: { type: 'string', description: 'name of the task; * stands for any text' }, queue: QUEUE, worker: { type: 'string', description: 'name of the worker' },
  process: { type: 'string', description: 'id of the process, as `processes` tells it' },
  arguments: { type: 'object', description: 'values of arguments by path: { "0.customer.id": 42 } compares args[0].value.customer.id' }, limit: LIMIT,
};
export const ENDED_FILTER: Readonly<Record<string, Property>> = {
  ...RUNNING_FILTER, error: { type: 'string', description: 'a part of the name or message of the error' },
  since: { type: 'string', description: `ended at this time or later: ${TIME}` }, until: { type: 'string', description: `ended before this: ${TIME}` },
};
export const DEAD_FILTER: Readonly<Record<string, Property>> = {
  name: { type: 'string', description: 'name of the task' }, reason: { type: 'string', description: 'why they are dead', enum: REASONS },
  error: { type: 'string', description: 'a part of the text of the error' }, diedSince: { type: 'string', description: TIME }, diedBefore: { type: 'string', description: TIME },
};

export function limitOf({ limit = DEFAULT_LIMIT }: Given): number {
  return limit as number;
}

/** @throws UsageError */
export function taskFilter({ name, queue, worker, process, error, since, until, arguments: args }: Given): TaskFilter {
  return defined({ name, queue, worker, process, error, args, since: timeOf('since', since)?.getTime(), until: timeOf('until', until)?.getTime() });
}

/** @throws UsageError */
export function deadConditions({ name, reason, error, diedSince, diedBefore }: Given): DeadLetterConditions {
  return defined({ name, reason, error, diedSince: timeOf('diedSince', diedSince), diedBefore: timeOf('diedBefore', diedBefore) });
}

function timeOf(name: string, text: unknown): Date | undefined {
  try {
    return text === undefined ? undefined : instant(text as string);
  } catch (error) {
    throw new UsageError(`"${name}": ${(error as Error).message}`);
  }
}

function defined(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
