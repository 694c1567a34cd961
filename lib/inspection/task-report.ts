import type { Pause } from '../control/pause.js';
import type { TaskResult } from '../results/task-result.js';
import type { TaskErrorRecord } from '../results/task-error-record.js';
import { decodeEdgeMark } from '../task/edge-record.js';
import { Header } from '../task/headers.js';
import type { TaskArgument, TaskHeaders } from '../task/task.js';
import type { TaskPart } from './asking/messages.js';
import type { PutOff } from './book/put-off-book.js';
import type { EndedTaskInfo, LockInfo, LogLine, QueueInfo, TaskInfo, TaskPlaceInfo } from './model.js';

/** A dead letter, as far as it says something of its task. */
export interface DeadFound {
  readonly name?: string;
  readonly args?: readonly TaskArgument[];
  readonly headers?: TaskHeaders;
  readonly queue: string;
  readonly reason: string;
  readonly diedAt: number;
  readonly history: readonly { readonly attempt: number; readonly at: number; readonly worker?: string; readonly error: TaskErrorRecord }[];
}

/** A task that waits. */
export interface WaitingFound {
  readonly name: string;
  readonly args: readonly TaskArgument[] | undefined;
  readonly headers: TaskHeaders;
  readonly queue: string;
  readonly position: number;
}

/** A task that waits between two of its steps. */
export interface SuspendedFound {
  readonly name: string;
  /** When it goes on by itself, in milliseconds since 1970. */
  readonly until: number;
  /** What it waits for, as a sentence. */
  readonly reason: string;
}

/** Everything that was found out about one task. */
export interface TaskFindings {
  readonly parts: readonly TaskPart[];
  readonly record: TaskResult | undefined;
  readonly dead: DeadFound | undefined;
  readonly waiting: WaitingFound | undefined;
  /** Absent: not asked. */
  readonly suspended?: SuspendedFound | undefined;
  readonly looked: readonly string[];
}

/** Where it may wait. */
export interface Surroundings {
  readonly pauses: readonly Pause[];
  readonly queues: readonly QueueInfo[];
  /** The limits of its name that are taken from. */
  readonly limits: readonly LockInfo[];
}

/** It was put off, and is not known to have come back since. */
export function lastPutOff(parts: readonly TaskPart[]): PutOff | undefined {
  const lastEnd = Math.max(0, ...parts.map(({ ended }) => ended?.endedAt ?? 0));
  const found = parts.flatMap(({ putOff }) => (putOff === undefined || putOff.at < lastEnd ? [] : [putOff]));
  return found.sort((a, b) => b.at - a.at)[0];
}

type Attempt = TaskInfo['attempts'][number];

/** Pure. */
export function taskReport(uuid: string, found: TaskFindings, surroundings: Surroundings): TaskInfo {
  const { parts, record, dead, waiting, suspended } = found;
  const ends = endsOf(parts);
  const running = parts.find((part) => part.running !== undefined)?.running;
  const putOff = running === undefined && dead === undefined && suspended === undefined ? lastPutOff(parts) : undefined;
  const name = running?.name ?? waiting?.name ?? suspended?.name ?? putOff?.name ?? dead?.name ?? record?.name ?? ends.at(-1)?.name;
  const args = running?.args ?? waiting?.args ?? dead?.args ?? ends.findLast((end) => end.args !== undefined)?.args;
  const workflow = workflowOf(waiting?.headers ?? dead?.headers ?? ends.at(-1)?.headers);
  const parent = parts.find((part) => part.parent !== undefined)?.parent;
  const children = [...new Set(parts.flatMap((part) => part.children ?? []))];
  const trace = traceOf(waiting?.headers ?? dead?.headers ?? ends.at(-1)?.headers);
  return {
    uuid, ...(name === undefined ? {} : { name }), where: placeOf(found, ends), waitsFor: [...putOffReasons(putOff), ...(suspended === undefined ? [] : [suspended.reason]), ...(waiting === undefined ? [] : reasonsOf(waiting, surroundings)), ...limitReasons(surroundings.limits)],
    ...(args === undefined ? {} : { args }), attempts: attemptsOf(ends, running, dead, record), timeline: record?.timeline.map(({ state, at }) => ({ state, at })) ?? [],
    ...(workflow === undefined ? {} : { workflow }), ...(parent === undefined ? {} : { parent }), ...(children.length === 0 ? {} : { children }), ...(trace === undefined ? {} : { trace }),
  };
}

/** The earliest first. */
export function endsOf(parts: readonly TaskPart[]): EndedTaskInfo[] {
  return parts.flatMap(({ ended }) => (ended === undefined ? [] : [ended])).sort((a, b) => a.endedAt - b.endedAt);
}

/** What happens last says where it is: a task that was replayed runs although a run of it has ended. */
function placeOf({ parts, record, dead, waiting, suspended, looked }: TaskFindings, ends: readonly EndedTaskInfo[]): TaskPlaceInfo {
  const running = parts.find((part) => part.running !== undefined)?.running;
  if (running !== undefined) {
    const { log: _log, ...run } = running;
    return { place: 'running', run };
  }
  if (waiting !== undefined) return { place: 'waiting', queue: waiting.queue, position: waiting.position };
  if (suspended !== undefined) return { place: 'delayed', dueAt: suspended.until };
  if (dead !== undefined) return { place: 'dead', queue: dead.queue, reason: dead.reason, diedAt: dead.diedAt };
  const putOff = lastPutOff(parts);
  if (putOff !== undefined) return { place: 'delayed', dueAt: putOff.dueAt };
  // A delivery too many says nothing of the task.
  const last = ends.findLast(({ state }) => state !== 'dropped');
  const told = record?.timeline.at(-1);
  if (told?.state === 'retrying' && told.at >= (last?.endedAt ?? 0)) return { place: 'delayed', dueAt: told.at + (told.delayMs ?? 0) };
  if (last?.state === 'retrying') return { place: 'delayed' };
  return last === undefined ? { place: 'unknown', looked } : { place: 'ended', end: last };
}

/** The same attempt may be known from several sides; who has its log knows it best. */
function attemptsOf(ends: readonly EndedTaskInfo[], running: TaskPart['running'], dead: DeadFound | undefined, record: TaskResult | undefined): Attempt[] {
  const attempts = new Map<number, Attempt>();
  const add = (attempt: number, at: number, worker: string | undefined, error: TaskErrorRecord | undefined, log: readonly LogLine[]): void => {
    if (!attempts.has(attempt)) attempts.set(attempt, { attempt, at, ...(worker === undefined ? {} : { worker }), ...(error === undefined ? {} : { error }), log });
  };
  if (running !== undefined) add(running.attempt, running.startedAt, running.worker, undefined, running.log);
  for (const end of ends.toReversed()) add(end.attempt, end.startedAt, end.worker, end.error, end.log);
  for (const failed of dead?.history ?? []) add(failed.attempt, failed.at, failed.worker, failed.error, []);
  for (const { state, at, worker, attempt, error } of record?.timeline ?? []) if (state === 'started' && attempt !== undefined) add(attempt, at, worker, error, []);
  return [...attempts.values()].sort((a, b) => a.attempt - b.attempt);
}

function putOffReasons(putOff: PutOff | undefined): string[] {
  return putOff === undefined ? [] : [`It was put off: ${putOff.reason}`];
}

const MOST_HOLDERS = 5;

/** Which limits are reached, and who holds their places. */
function limitReasons(limits: readonly LockInfo[]): string[] {
  return limits.filter(({ kind, most, holders }) => kind === 'limit' && holders.length >= most).map(({ limit = 'limit', key, most, holders }) => {
    const shown = holders.slice(0, MOST_HOLDERS).map(({ uuid, host, pid, worker }) => `${uuid}${worker === undefined ? '' : ` (worker "${worker}", ${host}:${pid})`}`);
    const more = holders.length > MOST_HOLDERS ? ` and ${holders.length - MOST_HOLDERS} more` : '';
    return `All ${most} places of its limit "${limit}"${key === undefined ? '' : ` of the key "${key}"`} are taken, by ${shown.join(', ')}${more}.`;
  });
}

/** Why it waits, the most important first. */
function reasonsOf({ name, headers, queue, position }: WaitingFound, { pauses, queues }: Surroundings): string[] {
  const reasons = pauses.filter((pause) => (pause.kind === 'queue' && pause.name === queue) || (pause.kind === 'task' && pause.name === name))
    .map(({ kind, name: paused, by, reason }) => `The ${kind} "${paused}" is paused by ${by}: ${reason}`);
  const info = queues.find((one) => one.name === queue);
  if (info !== undefined && info.consumers === 0) reasons.push(`No worker that answers consumes the queue "${queue}".`);
  if (info !== undefined && info.consumers > 0 && info.running > 0) reasons.push(`The workers of the queue "${queue}" are busy: they run ${info.running} ${info.running === 1 ? 'task' : 'tasks'} now.`);
  if (position > 0) reasons.push(`${position} ${position === 1 ? 'task stands' : 'tasks stand'} before it in its queue.`);
  if (headers[Header.priority] === 'low') reasons.push('Its priority is low.');
  const window = decodeEdgeMark(headers[Header.edge]);
  if (window !== undefined) reasons.push(`It waits for the end of its window (${window.kind}), of the key "${window.key}": until then it takes newer arguments.`);
  const unique = uniqueKeyOf(headers);
  if (unique !== undefined) reasons.push(`It holds the unique key "${unique}": no other of that key is taken meanwhile.`);
  return reasons;
}

export function uniqueKeyOf(headers: Readonly<TaskHeaders> | undefined): string | undefined {
  const mark = headers?.[Header.unique];
  if (typeof mark !== 'string') return undefined;
  try {
    const { key } = JSON.parse(mark) as { key?: unknown };
    return typeof key === 'string' ? key : undefined;
  } catch {
    return undefined;
  }
}

function workflowOf(headers: TaskHeaders | undefined): string | undefined {
  const step = headers?.[Header.workflow];
  return typeof step === 'string' ? step.split(' ')[0] : undefined;
}

/** By the W3C's header, where somebody sends it. */
function traceOf(headers: TaskHeaders | undefined): string | undefined {
  const parent = headers?.['traceparent'];
  return typeof parent === 'string' ? parent.split('-')[1] : undefined;
}
