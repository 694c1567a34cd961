import { type Finding, ok, problem, unknown, warning } from '../finding.js';
import type { Facts } from './redis-probe.js';

const OLDEST = [6, 2] as const;
const OLDEST_SUPPORTED_MAJOR = 7;
/** Of the limit. */
const NEAR = 0.8;
const MEBIBYTE = 1024 ** 2;
const LAG_SECONDS = 10;
const KEEP = '; redis-cli CONFIG REWRITE';

/** What INFO tells of the server: settings and state that a broker depends on. `unknown` where the user may not ask. */
export function serverFindings(info: Facts): Finding[] {
  if (info.size === 0) {
    return [unknown('server', 'This user may not ask for INFO: neither version, nor memory, nor persistence, nor replicas can be told.', 'redis-cli ACL SETUSER USER +info')];
  }
  return [versionFinding(info), ...loadingFinding(info), policyFinding(info), memoryFinding(info), ...writeFindings(info), roleFinding(info), ...clientFinding(info)];
}

function versionFinding(info: Facts): Finding {
  const check = 'server version';
  const valkey = info.get('valkey_version');
  if (valkey !== undefined) return ok(check, `Valkey ${valkey}.`);
  const version = info.get('redis_version') ?? '?';
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) return problem(check, `Redis ${version} is older than ${OLDEST.join('.')}; applications do not start on it.`, 'Upgrade it, to Redis 7 or Valkey 8 at least.');
  if (major < OLDEST_SUPPORTED_MAJOR) return warning(check, `Redis ${version} is old, and without memory to spare works nothing off, so that it stays full.`, 'Upgrade it, to Redis 7 or Valkey 8 at least.');
  return ok(check, `Redis ${version}.`);
}

function loadingFinding(info: Facts): Finding[] {
  if (info.get('loading') !== '1') return [];
  return [problem('loading', `Redis is reading its data from the disk, for another ${info.get('loading_eta_seconds') ?? '?'} s; until then it serves nothing. Applications wait for it.`, 'Wait: redis-cli INFO persistence | grep loading')];
}

function policyFinding(info: Facts): Finding {
  const check = 'maxmemory-policy';
  const policy = info.get('maxmemory_policy');
  if (policy === undefined) return unknown(check, 'The server does not tell its maxmemory-policy; any but noeviction throws tasks away.', 'redis-cli CONFIG GET maxmemory-policy');
  if (policy === 'noeviction') return ok(check, 'noeviction: nothing is thrown away when memory is short.');
  return problem(check, `${policy}: short of memory Redis would throw tasks away. Applications do not start on it.`, `redis-cli CONFIG SET maxmemory-policy noeviction${KEEP}. Caches need a Redis of their own.`);
}

function memoryFinding(info: Facts): Finding {
  const check = 'memory';
  const [used, limit, all] = ['used_memory', 'maxmemory', 'total_system_memory'].map((name) => Number(info.get(name) ?? 0)) as [number, number, number];
  const most = limit > 0 ? limit : all;
  const text = `${mebibytes(used)} are used of ${limit > 0 ? `the ${mebibytes(limit)} of maxmemory` : `the machine's ${mebibytes(all)}; maxmemory sets no limit, so that the system ends Redis when there is no more`}.`;
  const todo = 'See what is large: redis-cli --bigkeys; nestjs-dispatcher queues. Let workers catch up, or: redis-cli CONFIG SET maxmemory 4gb';
  if (limit > 0 && used >= limit) return problem(check, `${text} Redis takes no more tasks: publishing waits, and is refused in the end.`, todo);
  return most > 0 && used >= most * NEAR ? warning(check, `${text} At the limit it takes no more tasks.`, todo) : ok(check, text);
}

function writeFindings(info: Facts): Finding[] {
  const check = 'disk';
  if (info.get('aof_enabled') === '1' && info.get('aof_last_write_status') === 'err') {
    return [problem(check, 'Redis could not write its append-only file: it takes no more (MISCONF).', 'df -h; see the log of Redis. It goes on by itself once there is room.')];
  }
  if (info.get('rdb_last_bgsave_status') !== 'err') return [];
  return [problem(check, 'The last snapshot failed. While stop-writes-on-bgsave-error is yes, Redis takes no more (MISCONF).', 'df -h; see the log of Redis. Then: redis-cli BGSAVE. Where the append-only file is enough: redis-cli CONFIG SET save ""')];
}

function roleFinding(info: Facts): Finding {
  const check = 'role';
  if (info.get('role') === 'slave') {
    const [host, port] = [info.get('master_host') ?? '?', info.get('master_port') ?? '?'];
    return problem(check, `This is a replica, of ${host}:${port}; it takes no tasks.`, `Name ${host}:${port}, or its sentinels: redis+sentinel://host1:26379,host2:26379/NAME/0`);
  }
  const replicas = [...info].filter(([name]) => /^slave\d+$/.test(name)).map(([, text]) => text);
  const late = replicas.filter((text) => !/state=online/.test(text) || Number(/lag=(\d+)/.exec(text)?.[1] ?? 0) > LAG_SECONDS);
  const [first] = late;
  if (first !== undefined) return warning(check, `A primary with ${replicas.length} replicas, of which ${late.length} are behind or not in step (${first}): a failover loses what they do not have.`, 'redis-cli INFO replication, here and there.');
  return ok(check, replicas.length === 0 ? 'A primary without replicas: what is not on its disk goes with it.' : `A primary with ${replicas.length} replicas in step. What they have not got yet is lost in a failover.`);
}

function clientFinding(info: Facts): Finding[] {
  const [connected, most] = [Number(info.get('connected_clients') ?? 0), Number(info.get('maxclients') ?? Infinity)];
  if (!(connected >= most * NEAR)) return [];
  return [warning('connections', `${connected} of ${most} connections are open; beyond that nobody is let in. A process of this library has up to three.`, 'redis-cli CLIENT LIST; redis-cli CONFIG SET maxclients 20000')];
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / MEBIBYTE).toLocaleString('en')} MiB`;
}
