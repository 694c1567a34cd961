import { attemptIn, Header } from '../../../task/headers.js';
import { goJson, sortedKeys } from '../../../task/go-json.js';
import { JsonMembers } from '../../../task/json-members.js';
import type { TaskHeaders } from '../../../task/task.js';
import { gocraftPresence } from './gocraft-presence.js';
import { addHeaders, lastFailure, takeHeaders } from './job-headers.js';
import type { Peer, Put, TimedSet } from './peer.js';

const ERROR_LENGTH = 10_000;
const FAILURE = ['fails', 'err', 'failed_at'];

/** The queue is the namespace; each name of a job has a list of its own in it, of which those are taken that have a handler here. */
export const gocraftPeer: Peer = {
  format: 'gocraft',
  hasDead: true,
  presence: gocraftPresence,

  lines({ queue, isDead }) {
    return isDead ? [{ from: 'Z', key: `${queue}:dead` }] : [{ from: 'G', key: `${queue}:` }];
  },

  put({ body, properties: { headers = {} } }, { queue, isDead }, isDelayed, nowMs) {
    const job = readJob(body);
    const failed = writeFailure(job, headers, isDead);
    const t = job.value('t');
    if (typeof t !== 'number' || t <= 0) job.set('t', secondsText(nowMs));
    addHeaders(job, headers);
    if (isDead) return { to: 'Z', key: `${queue}:dead`, unit: 'i', element: job.toString() };
    if (isDelayed) return { to: 'Z', key: `${queue}:${failed ? 'retry' : 'scheduled'}`, unit: 'i', element: job.toString(), known: knownJob(job, queue) };
    return pushed(job, queue, nowMs);
  },

  read(element, { queue, isDead }) {
    const job = readJob(element);
    const headers = takeHeaders(job);
    return { body: Buffer.from(job.toString()), properties: { contentType: 'application/json', messageId: textOf(job, 'id'), headers: arrivedHeaders(job, headers, queue, isDead) } };
  },

  timed({ queue }) {
    return ['scheduled', 'retry'].map((name): TimedSet => ({ key: `${queue}:${name}`, unit: 'i', due: (element, nowMs) => dueJob(element, queue, nowMs) }));
  },

  uniqueKeys(element, { queue }) {
    const job = readJob(element);
    if (job.raw('unique') !== 'true') return [];
    const named = textOf(job, 'unique_key');
    if (named !== undefined && named !== '') return [named];
    const key = `${queue}:unique:${textOf(job, 'name')}:`;
    const args = job.value('args');
    if (args === null || args === undefined) return [key];
    // As Go's encoder writes it, which ends each value with a new line; scripts that move a job may have written it otherwise.
    return [...new Set([job.raw('args'), goJson(sortedDeep(args))])].map((text) => `${key}${text}\n`);
  },
};

/** @throws Error where it is no job */
function readJob(text: Buffer): JsonMembers {
  const job = JsonMembers.parse(text.toString());
  if (typeof job.value('name') !== 'string' || typeof job.value('id') !== 'string') throw new Error('it is no job of gocraft/work, which has "name", "id" and "args". Publish it with the format of the queue');
  return job;
}

function pushed(job: JsonMembers, queue: string, nowMs: number): Put {
  job.set('t', secondsText(nowMs));
  return { to: 'L', key: `${queue}:jobs:${textOf(job, 'name')}`, element: job.toString(), known: knownJob(job, queue) };
}

function knownJob(job: JsonMembers, queue: string): { key: string; member: string } {
  return { key: `${queue}:known_jobs`, member: textOf(job, 'name') as string };
}

/** Whatever its name: a pool of Go lets die what it has no handler for. */
function dueJob(element: Buffer, queue: string, nowMs: number): Put | undefined {
  try {
    return pushed(readJob(element), queue, nowMs);
  } catch {
    return undefined;
  }
}

/** True: it has failed, and waits to be retried. */
function writeFailure(job: JsonMembers, headers: TaskHeaders, isDead: boolean): boolean {
  const fails = isDead ? attemptIn(headers) : attemptIn(headers) - 1;
  job.delete(...FAILURE);
  if (fails <= 0) return false;
  job.set('fails', String(fails));
  const failure = lastFailure(headers);
  if (failure !== undefined) job.set('err', JSON.stringify(failure.message.slice(0, ERROR_LENGTH))).set('failed_at', secondsText(failure.atMs));
  return true;
}

function arrivedHeaders(job: JsonMembers, headers: TaskHeaders, queue: string, isDead: boolean): TaskHeaders {
  const fails = job.value('fails');
  const failures = typeof fails === 'number' && fails > 0 ? fails : 0;
  const ours = { [Header.format]: 'gocraft' };
  if (!isDead) {
    const living = Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-dispatcher-dead-')));
    return { ...living, ...(failures > 0 ? { [Header.attempt]: failures + 1 } : {}), ...ours };
  }
  const failedAt = job.value('failed_at');
  return {
    [Header.deadReason]: 'failed', [Header.deadError]: textOf(job, 'err') ?? '', [Header.deadQueue]: queue,
    ...(typeof failedAt === 'number' ? { [Header.deadAt]: new Date(failedAt * 1000).toISOString() } : {}),
    ...headers, ...(failures > 0 ? { [Header.attempt]: failures } : {}), ...ours,
  };
}

function sortedDeep(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedDeep);
  if (typeof value !== 'object' || value === null) return value;
  return sortedKeys(Object.fromEntries(Object.entries(value).map(([key, item]) => [key, sortedDeep(item)])));
}

function textOf(job: JsonMembers, name: string): string | undefined {
  const value = job.value(name);
  return typeof value === 'string' ? value : undefined;
}

function secondsText(ms: number): string {
  return String(Math.floor(ms / 1000));
}
