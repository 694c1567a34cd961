import { BrokerUnavailableError } from '../../../errors.js';
import { classifyRedisFailure } from '../../../redis/redis-failure.js';
import { parseRedisUrl } from '../../../redis/redis-url.js';
import { clock } from '../../../time/clock.js';
import { clockText } from '../clock-text.js';
import { type Finding, ok, problem, unknown } from '../finding.js';
import type { Settings } from '../../settings/settings.js';
import { exchangeFindings } from './redis-exchange-findings.js';
import { clusterFindings, sentinelFindings } from './redis-group-findings.js';
import { type Answered, factsIn, RedisProbe } from './redis-probe.js';
import { rightsFinding } from './redis-right-findings.js';
import { serverFindings } from './redis-server-findings.js';
import { bufferFinding, type Configured, persistenceFinding, replicasFinding, takeoverFinding } from './redis-settings-findings.js';

const SETTINGS = ['appendonly', 'appendfsync', 'min-replicas-to-write', 'client-output-buffer-limit'];

/** What was found, and where nothing could be: why. */
export interface RedisExamination {
  readonly findings: readonly Finding[];
  readonly failed?: 'unreachable' | 'refused';
}

/** What a Redis or Valkey needs to be a broker, and whether it has it. Takes no message, and changes nothing. */
export async function examineRedis(url: string, settings: Settings, queues: readonly string[], longestTaskSeconds: number | undefined, signal: AbortSignal): Promise<RedisExamination> {
  const parsed = parseRedisUrl(url, 'broker');
  const endpoint = settings.secureConnection ? { ...parsed, tls: true } : parsed;
  const sentinels = await sentinelFindings(endpoint, settings.connectSeconds * 1000);
  let probe: RedisProbe;
  try {
    probe = await RedisProbe.open(endpoint, settings, signal);
  } catch (error) {
    const failed = notConnected(error, endpoint.display);
    return { ...failed, findings: [...sentinels, ...failed.findings] };
  }
  try {
    const info = await probe.ask<string>('INFO');
    const connection = ok('connection', `Connected to ${endpoint.display} as "${endpoint.username ?? 'default'}".`);
    if ('error' in info && /^BUSY/.test(info.error)) return { findings: [connection, ...sentinels, busy(info.error)] };
    return { findings: [connection, ...sentinels, ...await all(probe, info, settings, queues, longestTaskSeconds)] };
  } finally {
    probe.close();
  }
}

async function all(probe: RedisProbe, answer: Answered<string>, settings: Settings, queues: readonly string[], longestTaskSeconds: number | undefined): Promise<Finding[]> {
  const info = 'error' in answer ? new Map<string, string>() : factsIn(answer.value);
  const configured = await configuredIn(probe);
  const findings = [...serverFindings(info), ...await clusterFindings(probe, info)];
  // It serves nothing yet.
  if (info.get('loading') === '1') return findings;
  return [
    ...findings, persistenceFinding(info, configured), ...replicasFinding(info, configured), ...bufferFinding(configured), await rightsFinding(probe), await clockFinding(probe),
    ...await exchangeFindings(probe, settings.exchange, queues), takeoverFinding(settings.takeoverSeconds, longestTaskSeconds),
  ];
}

async function configuredIn(probe: RedisProbe): Promise<Configured> {
  const found = new Map<string, string>();
  for (const name of SETTINGS) {
    const answer = await probe.ask<Record<string, string>>('CONFIG', 'GET', name);
    const value = 'error' in answer ? undefined : answer.value[name];
    if (value !== undefined) found.set(name, value);
  }
  return found;
}

async function clockFinding(probe: RedisProbe): Promise<Finding> {
  const asked = clock.now();
  const answer = await probe.ask<[string, string]>('TIME');
  const answered = clock.now();
  if ('error' in answer) return unknown('clock', `The server did not tell its time: ${answer.error}.`, 'Compare by hand: redis-cli TIME; date +%s');
  const server = Number(answer.value[0]) * 1000 + Math.floor(Number(answer.value[1]) / 1000);
  const differenceMs = server > answered ? server - answered : Math.min(0, server - asked);
  return clockText('clock', differenceMs, 'Expiry and schedules go by the clocks of the applications, delays by that of Redis: they are apart by as much.');
}

function busy(said: string): Finding {
  return problem('script', `Redis is busy with a script or a function, and serves nobody else: ${said}. Applications wait.`, 'See which: redis-cli SLOWLOG GET 5, afterwards. End it, where it has written nothing: redis-cli SCRIPT KILL (or FUNCTION KILL)');
}

function notConnected(error: unknown, display: string): Required<RedisExamination> {
  if (error instanceof Error && (error as { code?: unknown }).code === 'ERR_DISPATCHER_CONFIGURATION') return { failed: 'refused', findings: [problem('driver', error.message, 'npm install @redis/client')] };
  const { kind, said } = classifyRedisFailure(error);
  const isRefused = kind === 'refused' || kind === 'no-tls';
  const todo = kind === 'refused' ? 'redis-cli -u redis://USER:PASSWORD@HOST:PORT/0 PING; redis-cli ACL GETUSER USER' : kind === 'no-tls' ? 'See whether this port speaks TLS: openssl s_client -connect HOST:PORT' : 'See whether it runs and listens: redis-cli -h HOST -p PORT PING; nc -vz HOST PORT.';
  const text = error instanceof BrokerUnavailableError ? error.message : `${isRefused ? 'Redis refuses this client' : 'There is no connection to Redis'} at ${display}: ${said}.`;
  return { failed: isRefused ? 'refused' : 'unreachable', findings: [problem('connection', text, todo)] };
}
