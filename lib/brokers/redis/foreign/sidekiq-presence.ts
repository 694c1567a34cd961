import { hostname } from 'node:os';
import type { Command, PeerPresence, WorkerNow } from './peer.js';
import { sidekiqName } from './sidekiq-name.js';

/** Who says nothing for so long is shown no more. */
const SHOWN_SECONDS = '60';
const STATISTICS_SECONDS = String(5 * 365 * 86_400);

const scopeOf: PeerPresence['scopeOf'] = ({ queue }) => sidekiqName(queue).prefix;

/** As a process of Sidekiq shows itself on its web page. What it holds is shown as running, also where it waits for its turn here. */
export const sidekiqPresence: PeerPresence = {
  scopeOf,

  beat(worker) {
    const { scope, nowMs, held } = worker;
    const identity = identityOf(worker);
    const key = `${scope}${identity}`;
    return [
      ...statistics(worker, STATISTICS_SECONDS),
      ['SADD', `${scope}processes`, identity],
      ['HSET', key, 'info', infoOf(worker, identity), 'busy', String(held.length), 'beat', (nowMs / 1000).toFixed(3), 'rtt_us', '0', 'quiet', 'false', 'rss', String(Math.round(process.memoryUsage.rss() / 1024))],
      ['EXPIRE', key, SHOWN_SECONDS],
      // Before version 7 it reads the first of them, and from then on the second.
      ...workOf(`${key}:workers`, worker), ...workOf(`${key}:work`, worker),
    ];
  },

  farewell(worker) {
    const identity = identityOf(worker);
    const key = `${worker.scope}${identity}`;
    return [...statistics(worker, STATISTICS_SECONDS), ['SREM', `${worker.scope}processes`, identity], ['DEL', key, `${key}:workers`, `${key}:work`]];
  },
};

/** Its workers do not show themselves; they count alone. */
export const goWorkersPresence: PeerPresence = { scopeOf, beat: (worker) => statistics(worker), farewell: (worker) => statistics(worker) };

function identityOf({ id }: WorkerNow): string {
  return `${hostname()}:${process.pid}:${id.slice(0, 12)}`;
}

function infoOf({ startedMs, concurrency, queues }: WorkerNow, identity: string): string {
  const names = queues.map((queue) => sidekiqName(queue).queue);
  return `{"hostname":${JSON.stringify(hostname())},"started_at":${(startedMs / 1000).toFixed(3)},"pid":${process.pid},"tag":"nestjs-dispatcher","concurrency":${concurrency},`
    + `"queues":${JSON.stringify(names)},"weights":${JSON.stringify(names.map((name) => ({ [name]: 0 })))},"labels":[],"identity":${JSON.stringify(identity)}}`;
}

function workOf(key: string, { held }: WorkerNow): Command[] {
  const entries = held.flatMap(({ queue, element, since }, at) => [
    `t${at}`, JSON.stringify({ queue: sidekiqName(queue).queue, payload: element.toString(), run_at: Math.floor(since / 1000) }),
  ]);
  return [['DEL', key], ...(entries.length === 0 ? [] : [['HSET', key, ...entries] as Command, ['EXPIRE', key, SHOWN_SECONDS] as Command])];
}

/** @param keptSeconds of the counts of a day. Default: for ever */
function statistics({ scope, nowMs, processed, failed }: WorkerNow, keptSeconds?: string): Command[] {
  const day = new Date(nowMs).toISOString().slice(0, 10);
  return [['processed', processed] as const, ['failed', failed] as const].filter(([, count]) => count > 0).flatMap(([name, count]): Command[] => [
    ['INCRBY', `${scope}stat:${name}`, String(count)],
    ['INCRBY', `${scope}stat:${name}:${day}`, String(count)],
    ...(keptSeconds === undefined ? [] : [['EXPIRE', `${scope}stat:${name}:${day}`, keptSeconds] as Command]),
  ]);
}
