import { isContractPart } from '../contract-report.js';

export type Fields = Readonly<Record<string, unknown>>;

/** What whoever shows an item of an answer counts on. More may be there: of another version, for one. */
export const SHAPES = {
  processes: (item: unknown) => isObject(item) && areTexts(item, ['id', 'host', 'role', 'connection']) && ['memory', 'versions', 'eventLoopLagMs'].every((name) => isObject(item[name]))
    && areNumbers(item, ['pid', 'startedAt', 'cpu']) && isListOf(item['workers'], isWorker) && isListOf(item['running'], isRunning),
  running: isRunning,
  recent: isEnded,
  failures: (item: unknown) => isObject(item) && areTexts(item, ['id', 'name']) && areNumbers(item, ['count', 'dead', 'firstAt', 'lastAt']) && isError(item['error'])
    && isListOf(item['queues'], isText) && isEnded(item['example']),
  queues: (item: unknown) => isObject(item) && areTexts(item, ['queue']) && (item['worker'] === undefined || isText(item['worker'])) && [undefined, 'classic', 'quorum'].includes(item['type'] as string | undefined) && areNumbers(item, ['running', 'waiting'])
    && (item['lastWaitMs'] === undefined || areNumbers(item, ['lastWaitMs'])) && isListOf(item['history'], (minute) => isObject(minute) && areNumbers(minute, ['at', 'received', 'succeeded', 'failed', 'retried', 'busyMs'])),
  task: (item: unknown) => isObject(item) && areTexts(item, ['uuid']) && (item['running'] === undefined || isRunning(item['running'])) && (item['ended'] === undefined || isEnded(item['ended']))
    && (item['putOff'] === undefined || isPutOff(item['putOff'])) && (item['parent'] === undefined || isText(item['parent'])) && (item['children'] === undefined || isListOf(item['children'], isText)),
  tasks: (item: unknown) => isObject(item) && (item['name'] === undefined || isText(item['name'])) && areNumbers(item, ['rate', 'lastEndedAt', 'totalMs'])
    && isObject(item['totals']) && areNumbers(item['totals'], ['succeeded', 'failed', 'retried', 'cancelled']) && isListOf(item['durations'], isWholeCount),
  actions: (item: unknown) => isObject(item) && areTexts(item, ['id', 'action', 'host']) && areNumbers(item, ['at', 'pid']) && isObject(item['what'])
    && ['by', 'reason', 'error'].every((name) => item[name] === undefined || isText(item[name])),
  locks: (item: unknown) => isObject(item) && areTexts(item, ['kind', 'name', 'uuid', 'process', 'host']) && areNumbers(item, ['most', 'since', 'pid'])
    && (item['key'] === undefined || isText(item['key'])) && (item['limit'] === undefined || isText(item['limit'])),
  contract: isContractPart as (item: unknown) => boolean,
  firings: (item: unknown) => isObject(item) && areTexts(item, ['uuid', 'state']) && areNumbers(item, ['at', 'attempt']) && (item['error'] === undefined || isText(item['error'])),
} satisfies Readonly<Record<string, (item: unknown) => boolean>>;

/** What can be asked. */
export type Kind = keyof typeof SHAPES;

const PLACE = ['process', 'host', 'worker', 'queue', 'uuid', 'name'] as const;

function isRunning(item: unknown): boolean {
  return isObject(item) && areTexts(item, PLACE) && areNumbers(item, ['attempt', 'startedAt', 'runningMs', 'argsBytes']);
}

function isEnded(item: unknown): boolean {
  return isObject(item) && areTexts(item, [...PLACE, 'state']) && areNumbers(item, ['attempt', 'startedAt', 'endedAt', 'durationMs', 'argsBytes']) && Array.isArray(item['log'])
    && (item['error'] === undefined || isError(item['error']));
}

function isPutOff(item: unknown): boolean {
  return isObject(item) && areTexts(item, ['name', 'queue', 'reason']) && areNumbers(item, ['at', 'dueAt']);
}

function isWorker(item: unknown): boolean {
  return isObject(item) && areTexts(item, ['name', 'queue']) && areNumbers(item, ['limit', 'running', 'waiting', 'rate']) && isObject(item['totals']) && isListOf(item['tasks'], isText);
}

function isError(item: unknown): boolean {
  return isObject(item) && areTexts(item, ['name', 'message']);
}

export function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function areTexts<Name extends string>(fields: Fields, names: readonly Name[]): fields is Fields & Readonly<Record<Name, string>> {
  return names.every((name) => isText(fields[name]));
}

export function areNumbers(fields: Fields, names: readonly string[]): boolean {
  return names.every((name) => typeof fields[name] === 'number');
}

function isWholeCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): boolean {
  return typeof value === 'string';
}

function isListOf(value: unknown, fits: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(fits);
}
