import { attemptIn, Header } from '../../../task/headers.js';
import { JsonMembers } from '../../../task/json-members.js';
import type { TaskHeaders } from '../../../task/task.js';
import { addHeaders, lastFailure, takeHeaders } from './job-headers.js';
import type { End, Peer, PeerPresence, Place, Put, TimedSet } from './peer.js';
import { sidekiqName, type SidekiqName } from './sidekiq-name.js';
import { goWorkersPresence, sidekiqPresence } from './sidekiq-presence.js';

const ERROR_LENGTH = 10_000;
/** What a job has said since it failed. */
const FAILURE = ['error_message', 'error_class', 'failed_at', 'retried_at', 'retry_count', 'error_backtrace'];

/** In which Sidekiq and go-workers differ. */
interface SidekiqDialect {
  readonly format: string;
  readonly hasDead: boolean;
  readonly presence: PeerPresence;
  readonly retrySet: string;
  readonly pushEnd: End;
  readonly failedAt: (atMs: number) => string;
  /** How a job that is tried again names its queue. */
  readonly retriedQueue: (name: SidekiqName) => string;
}

export const sidekiqPeer: Peer = makePeer({
  format: 'sidekiq', hasDead: true, presence: sidekiqPresence, retrySet: 'retry', pushEnd: 'L', failedAt: secondsText, retriedQueue: ({ queue }) => queue,
});

export const goWorkersPeer: Peer = makePeer({
  format: 'goworkers', hasDead: false, presence: goWorkersPresence, retrySet: 'goretry', pushEnd: 'R', retriedQueue: ({ prefix, queue }) => `${prefix}${queue}`,
  failedAt: (atMs) => JSON.stringify(new Date(atMs).toISOString().replace(/T(.*)\..*/, ' $1 UTC')),
});

function makePeer(dialect: SidekiqDialect): Peer {
  const { format, hasDead, presence } = dialect;
  return {
    format, hasDead, presence,

    lines({ queue, isDead }) {
      const { prefix, queue: name } = sidekiqName(queue);
      return isDead ? [{ from: 'Z', key: `${prefix}dead`, member: 'queue', value: name }] : [{ from: 'R', key: `${prefix}queue:${name}` }];
    },

    put({ body, properties: { headers = {} } }, place, isDelayed, nowMs) {
      const job = readJob(body);
      const failed = writeFailure(job, headers, place, dialect);
      const { prefix, queue } = sidekiqName(place.queue);
      job.set('queue', JSON.stringify(queue));
      if (!job.has('created_at')) job.set('created_at', secondsText(nowMs));
      addHeaders(job, headers);
      if (place.isDead) return { to: 'Z', key: `${prefix}dead`, unit: 's', element: job.toString() };
      if (!isDelayed) return pushed(job, prefix, queue, dialect, nowMs);
      if (failed) job.set('queue', retryQueue(job, sidekiqName(place.queue), dialect));
      return { to: 'Z', key: `${prefix}${failed ? dialect.retrySet : 'schedule'}`, unit: 's', element: job.toString() };
    },

    read(element, place) {
      const job = readJob(element);
      const headers = takeHeaders(job);
      return { body: Buffer.from(job.toString()), properties: { contentType: 'application/json', messageId: textOf(job, 'jid'), headers: arrivedHeaders(job, headers, place, format) } };
    },

    timed({ queue }) {
      const { prefix } = sidekiqName(queue);
      return ['schedule', dialect.retrySet].map((name): TimedSet => ({
        key: `${prefix}${name}`, unit: 's',
        due: (element, nowMs) => dueJob(element, prefix, dialect, nowMs),
      }));
    },
  };
}

/** @throws Error where it is no job */
function readJob(text: Buffer): JsonMembers {
  const job = JsonMembers.parse(text.toString());
  if (typeof job.value('class') !== 'string' || !job.has('args')) throw new Error('it is no job of Sidekiq, which has "class", "args" and "jid". Publish it with the format of the queue');
  return job;
}

function pushed(job: JsonMembers, prefix: string, queue: string, { pushEnd }: SidekiqDialect, nowMs: number): Put {
  job.set('enqueued_at', secondsText(nowMs));
  return { to: pushEnd, key: `${prefix}queue:${queue}`, element: job.toString(), known: { key: `${prefix}queues`, member: queue } };
}

/** To whichever queue it names, as Sidekiq's own poller does; it stays where it names none. */
function dueJob(element: Buffer, prefix: string, dialect: SidekiqDialect, nowMs: number): Put | undefined {
  try {
    const job = JsonMembers.parse(element.toString());
    const named = textOf(job, 'queue');
    if (named === undefined || named === '') return undefined;
    const queue = named.startsWith(prefix) ? named.slice(prefix.length) : named;
    return pushed(job, prefix, queue, dialect, nowMs);
  } catch {
    return undefined;
  }
}

/** What the other side shows, and counts by. True: it has failed, and waits to be retried. */
function writeFailure(job: JsonMembers, headers: TaskHeaders, { isDead }: Place, { failedAt }: SidekiqDialect): boolean {
  const attempt = attemptIn(headers);
  const failure = lastFailure(headers);
  if (!isDead && attempt <= 1) {
    job.delete(...FAILURE);
    return false;
  }
  if (failure !== undefined) {
    job.set('error_message', JSON.stringify(failure.message.slice(0, ERROR_LENGTH))).set('error_class', JSON.stringify(failure.errorClass));
    job.set(job.has('failed_at') ? 'retried_at' : 'failed_at', failedAt(failure.atMs));
  }
  job.set('retry_count', String(Math.max(0, isDead ? attempt - 1 : attempt - 2)));
  return true;
}

function retryQueue(job: JsonMembers, name: SidekiqName, { retriedQueue }: SidekiqDialect): string {
  return job.raw('retry_queue') ?? JSON.stringify(retriedQueue(name));
}

/** Which attempt it is, the job says, whoever has counted. What is dead without having been ours says why in its own words. */
function arrivedHeaders(job: JsonMembers, headers: TaskHeaders, { queue, isDead }: Place, format: string): TaskHeaders {
  const failures = job.value('retry_count');
  const attempt: TaskHeaders = typeof failures === 'number' ? { [Header.attempt]: failures + (isDead ? 1 : 2) } : {};
  if (!isDead) return { ...withoutDeath(headers), ...attempt, [Header.format]: format };
  return { ...death(job, queue), ...headers, ...attempt, [Header.format]: format };
}

function withoutDeath(headers: TaskHeaders): TaskHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith('x-dispatcher-dead-')));
}

function death(job: JsonMembers, queue: string): TaskHeaders {
  const failedAt = job.value('retried_at') ?? job.value('failed_at');
  return {
    [Header.deadReason]: 'failed', [Header.deadError]: `${textOf(job, 'error_class') ?? 'Error'}: ${textOf(job, 'error_message') ?? ''}`, [Header.deadQueue]: queue,
    ...(typeof failedAt === 'number' ? { [Header.deadAt]: new Date(failedAt > 1e11 ? failedAt : failedAt * 1000).toISOString() } : {}),
  };
}

function textOf(job: JsonMembers, name: string): string | undefined {
  const value = job.value(name);
  return typeof value === 'string' ? value : undefined;
}

/** With a fraction always: Sidekiq 8 takes whole numbers for milliseconds. */
function secondsText(ms: number): string {
  return (ms / 1000).toFixed(3);
}

