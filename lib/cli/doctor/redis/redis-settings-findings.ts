import { type Finding, ok, problem, unknown, warning } from '../finding.js';
import type { Facts } from './redis-probe.js';

/** What CONFIG GET tells; empty where the user may not ask. */
export type Configured = ReadonlyMap<string, string>;

const KEEP = '; redis-cli CONFIG REWRITE';
const DEFAULT_SILENT_SECONDS = 30;
/** Below it, a burst of answers of inspection or events cuts a subscriber off. */
const SMALLEST_BUFFER_BYTES = 1024 * 1024;

/** What of what was accepted survives what. */
export function persistenceFinding(info: Facts, configured: Configured): Finding {
  const check = 'persistence';
  const aof = configured.get('appendonly') ?? (info.get('aof_enabled') === '1' ? 'yes' : info.has('aof_enabled') ? 'no' : undefined);
  if (aof === undefined) return unknown(check, 'This user may not ask whether appendonly is on; without it a restart loses tasks.', 'redis-cli CONFIG GET append*');
  if (aof !== 'yes') return warning(check, 'appendonly no: a restart of Redis loses whatever was accepted since the last snapshot.', `redis-cli CONFIG SET appendonly yes${KEEP}. And appendfsync always where none may be lost.`);
  switch (configured.get('appendfsync')) {
    case 'always': return ok(check, 'appendonly yes, appendfsync always: what was accepted survives a kill and a power cut.');
    case 'everysec': return ok(check, 'appendonly yes, appendfsync everysec: what was accepted survives a kill of Redis; a power cut may lose the last second.');
    case 'no': return warning(check, 'appendonly yes, appendfsync no: a power cut loses what the system has not written, half a minute or more.', `redis-cli CONFIG SET appendfsync everysec${KEEP}`);
    default: return unknown(check, 'appendonly yes; this user may not ask for appendfsync. always: nothing is lost by a power cut; everysec: the last second may be.', 'redis-cli CONFIG GET appendfsync');
  }
}

/** Without enough replicas Redis takes nothing. */
export function replicasFinding(info: Facts, configured: Configured): Finding[] {
  const wanted = Number(configured.get('min-replicas-to-write') ?? 0);
  if (!(wanted > 0)) return [];
  const check = 'min-replicas-to-write';
  const there = Number(info.get('min_slaves_good_slaves') ?? info.get('connected_slaves') ?? 0);
  if (there >= wanted) return [ok(check, `${wanted}, and ${there} replicas are in step.`)];
  return [problem(check, `${wanted}, but ${there} replicas are in step: Redis takes nothing (NOREPLICAS).`, `Start the replicas; or for now: redis-cli CONFIG SET min-replicas-to-write ${there}`)];
}

/** What is told over Pub/Sub is cut off beyond it. */
export function bufferFinding(configured: Configured): Finding[] {
  const limits = configured.get('client-output-buffer-limit');
  const [, hard = '0', soft = '0'] = /pubsub (\d+) (\d+)/.exec(limits ?? '') ?? [];
  const smallest = Math.min(...[hard, soft].map(Number).filter((bytes) => bytes > 0));
  if (!(smallest < SMALLEST_BUFFER_BYTES)) return [];
  return [warning('output buffers', `Redis cuts off whoever is ${smallest} bytes behind with what is told over Pub/Sub: inspection and the dashboard lose their connection again and again.`,
    `redis-cli CONFIG SET client-output-buffer-limit "pubsub 33554432 8388608 60"${KEEP}`)];
}

export function takeoverFinding(takeoverSeconds: number | undefined, longestTaskSeconds: number | undefined): Finding {
  const check = 'long tasks';
  const seconds = takeoverSeconds ?? DEFAULT_SILENT_SECONDS;
  const found = `A task may run for as long as it takes: it belongs to its process while that says every two seconds that it lives. One that says nothing for ${seconds} s (takeoverSeconds) is thought to be dead.`;
  if (longestTaskSeconds === undefined || longestTaskSeconds < seconds) return ok(check, found);
  return unknown(check, `${found} The longest task, of ${longestTaskSeconds} s, is longer; that does no harm unless it computes without a pause, which cannot be seen from here.`,
    'Where it does: @Task(name, { thread: true }), see docs/threads.md; or raise takeoverSeconds in every application.');
}
