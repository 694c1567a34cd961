import { BrokerRefusedError, BrokerUnavailableError } from '../../errors.js';

/** What INFO tells, by name. */
export type ServerInfo = ReadonlyMap<string, string>;

const OLDEST = [6, 2] as const;
const FLAGS_FROM = 7;

export function parseInfo(text: string): ServerInfo {
  const info = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const at = line.indexOf(':');
    if (at > 0 && !line.startsWith('#')) info.set(line.slice(0, at), line.slice(at + 1));
  }
  return info;
}

/** Scripts may say of themselves that they run without memory to spare. */
export function knowsScriptFlags(info: ServerInfo): boolean {
  // Valkey counts on from 7.2, which is what it says here.
  return (versionOf(info)?.[0] ?? 0) >= FLAGS_FROM;
}

/**
 * Whether this server can be a broker at all.
 *
 * @returns what works, but should be known
 * @throws BrokerRefusedError for one that would lose messages by its settings, or is too old; BrokerUnavailableError for a replica
 */
export function checkServer(info: ServerInfo, display: string): string[] {
  const fields = { broker: display };
  const version = versionOf(info);
  if (version !== undefined && (version[0] < OLDEST[0] || (version[0] === OLDEST[0] && version[1] < OLDEST[1]))) {
    throw new BrokerRefusedError(`Redis at ${display} is version ${info.get('redis_version')}; as a broker it must be ${OLDEST.join('.')} or newer, or Valkey. Update it.`, fields);
  }
  const policy = info.get('maxmemory_policy');
  if (policy !== undefined && policy !== 'noeviction') {
    throw new BrokerRefusedError(
      `Redis at ${display} has maxmemory-policy ${policy}: short of memory it would throw tasks away. Set maxmemory-policy noeviction, or name a server of its own for tasks.`, { ...fields, policy });
  }
  if (info.get('role') === 'slave') throw new BrokerUnavailableError(`Redis at ${display} is a replica, which takes no tasks. Name its primary, or let it be found by sentinels.`, fields);
  return warningsOf(info, display, policy);
}

function warningsOf(info: ServerInfo, display: string, policy: string | undefined): string[] {
  const warnings: string[] = [];
  if (policy === undefined) warnings.push(`Redis at ${display} does not say what its maxmemory-policy is. See that it is noeviction: any other may throw tasks away.`);
  const aof = info.get('aof_enabled');
  if (aof !== '1') {
    warnings.push(`Redis at ${display} ${aof === '0' ? 'has appendonly no' : 'does not say whether appendonly is on'}: tasks that it has accepted are lost when it is killed or loses power. Set appendonly yes, and appendfsync always where none may be lost.`);
  }
  return warnings;
}

function versionOf(info: ServerInfo): [number, number] | undefined {
  const [major, minor] = (info.get('redis_version') ?? '').split('.').map(Number);
  return major === undefined || minor === undefined || Number.isNaN(major) || Number.isNaN(minor) ? undefined : [major, minor];
}
