import { deadLetterQueueOf } from '../../../task/dead-letter-queue.js';
import { type Finding, ok, problem, unknown, warning } from '../finding.js';
import type { RedisProbe } from './redis-probe.js';

/** What each key of the exchange must be, as `lib/brokers/redis/scripts/prelude.ts` has it. */
const TYPES: Readonly<Record<string, string>> = { last: 'string', queues: 'hash', bindings: 'hash', m: 'hash', k: 'hash', d: 'hash', locks: 'hash', leases: 'zset', delayed: 'zset' };
const LOOKED_AT_ONCE = '1000';
/** Of a server with many millions of keys not all are walked through. */
const MOST_LOOKS = 200;
const SHOWN = 5;

/** What there is of the exchange: its queues, those that were named, and keys that are not of it or of another type. */
export async function exchangeFindings(probe: RedisProbe, exchange: string, queues: readonly string[]): Promise<Finding[]> {
  const known = await probe.ask<string[]>('HKEYS', `${probe.keys}queues`);
  if ('error' in known) return [/^WRONGTYPE/.test(known.error) ? wrongType(`${probe.keys}queues`, 'hash') : unknown('exchange', `Whether there is the exchange "${exchange}" could not be asked: ${known.error}.`, 'See above.')];
  if (known.value.length === 0) return [problem('exchange', `There is no exchange "${exchange}" in this database.`, 'Check its name, and the number of the database in the URL: an application makes it when it starts.')];
  const named = queues.flatMap((queue) => [queueFinding(known.value, queue), queueFinding(known.value, deadLetterQueueOf(queue))]);
  return [ok('exchange', `The exchange "${exchange}" has ${known.value.length} queues.`), ...await typeFindings(probe, known.value), ...named, ...await foreignFindings(probe, known.value)];
}

function queueFinding(known: readonly string[], name: string): Finding {
  const check = `queue "${name}"`;
  return known.includes(name) ? ok(check, 'It is there.') : warning(check, 'There is no such queue.', 'Start an application with a worker on it, or list it in initQueues.');
}

async function typeFindings(probe: RedisProbe, queues: readonly string[]): Promise<Finding[]> {
  const expected = [...Object.entries(TYPES), ...queues.flatMap((name): [string, string][] => [[`q:${name}`, 'list'], [`r:${name}`, 'zset'], [`w:${name}`, 'zset']])];
  const findings: Finding[] = [];
  for (const [name, type] of expected) {
    const found = await probe.ask<string>('TYPE', probe.keys + name);
    if ('value' in found && found.value !== 'none' && found.value !== type) findings.push(wrongType(probe.keys + name, type, found.value));
  }
  return findings;
}

function wrongType(key: string, type: string, found = 'something else'): Finding {
  return problem('keys', `The key ${key} is a ${found}, and must be a ${type}: somebody else has written it, and every step that needs it fails.`, `Look at it, and who wrote it: redis-cli TYPE '${key}'. When nothing of it is needed: redis-cli RENAME '${key}' foreign`);
}

/** Keys that begin as those of the exchange do and are none of this library's. */
async function foreignFindings(probe: RedisProbe, queues: readonly string[]): Promise<Finding[]> {
  const own = new Set([...Object.keys(TYPES), ...queues.flatMap((name) => [`q:${name}`, `r:${name}`, `w:${name}`])]);
  const isOwn = (name: string): boolean => own.has(name) || /^(t|state|doctor):/.test(name);
  const foreign = new Set<string>();
  let cursor = '0';
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const page = await probe.ask<[string, string[]]>('SCAN', cursor, 'MATCH', `${probe.keys.replace(/[[\]?*\\]/g, '\\$&')}*`, 'COUNT', LOOKED_AT_ONCE);
    if ('error' in page) return [];
    for (const key of page.value[1]) if (!isOwn(key.slice(probe.keys.length))) foreign.add(key);
    cursor = page.value[0];
    if (cursor === '0') break;
  }
  if (foreign.size === 0) return [];
  return [warning('foreign keys', `${foreign.size} keys begin as those of the exchange do, and are not of this library: ${[...foreign].slice(0, SHOWN).join(', ')}${foreign.size > SHOWN ? ', ...' : ''}.`, 'Find out who writes them. Another program must not use these names.')];
}
