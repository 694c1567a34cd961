import { hostname } from 'node:os';
import type { Command, PeerPresence, WorkerNow } from './peer.js';

/** Of those that are shown with what they run. */
const MOST_WORKERS = 50;
const OBSERVED_SECONDS = '86400';

/** As a worker pool of gocraft/work shows itself to its web page, and to others that look who is dead. */
export const gocraftPresence: PeerPresence = {
  scopeOf: ({ queue }) => queue,

  beat(worker) {
    const { scope, nowMs, startedMs, names, held, concurrency } = worker;
    const workers = workersOf(worker);
    const pool = worker.id;
    return [
      ...(names.length === 0 ? [] : [['SADD', `${scope}:known_jobs`, ...names] as Command]),
      ['SADD', `${scope}:worker_pools`, pool],
      ['HSET', `${scope}:worker_pools:${pool}`, 'heartbeat_at', seconds(nowMs), 'started_at', seconds(startedMs), 'job_names', [...names].sort().join(','),
        'concurrency', String(concurrency), 'worker_ids', workers.join(','), 'host', hostname(), 'pid', String(process.pid)],
      ...workers.flatMap((id, at): Command[] => {
        const one = held[at];
        const key = `${scope}:worker:${id}`;
        return one === undefined ? [['DEL', key]] : [['HSET', key, ...observation(one)], ['EXPIRE', key, OBSERVED_SECONDS]];
      }),
    ];
  },

  farewell(worker) {
    const { scope } = worker;
    const pool = worker.id;
    return [['SREM', `${scope}:worker_pools`, pool], ['DEL', `${scope}:worker_pools:${pool}`, ...workersOf(worker).map((id) => `${scope}:worker:${id}`)]];
  },
};

function workersOf({ id, concurrency }: WorkerNow): string[] {
  return Array.from({ length: Math.max(1, Math.min(concurrency, MOST_WORKERS)) }, (_, at) => `${id.slice(0, 20)}${at.toString(16).padStart(4, '0')}`);
}

function observation({ element, since }: WorkerNow['held'][number]): string[] {
  const { name, id, args } = parsed(element);
  return ['job_name', String(name), 'job_id', String(id), 'started_at', seconds(since), 'args', args === null || args === undefined ? '' : JSON.stringify(args)];
}

function parsed(element: Buffer): Record<string, unknown> {
  try {
    return JSON.parse(element.toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}

function seconds(ms: number): string {
  return String(Math.floor(ms / 1000));
}
