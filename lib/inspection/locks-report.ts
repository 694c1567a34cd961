import type { LockPart } from './asking/messages.js';
import type { LockInfo } from './model.js';

const AT_A_TIME = 20;

/** Who holds a key now, and until when. */
export type HeldKey = Pick<LockInfo, 'absorbed' | 'until'> & Required<Pick<LockInfo, 'state'>> & { readonly uuid: string };

/** What is kept under a unique key, or that of a window or a line, by the state that processes share. */
export type ClaimOf = (key: string) => Promise<HeldKey | undefined>;

/** Which of them it is. */
export function kindOfKey(key: string): 'unique' | 'window' | 'order' {
  if (key.startsWith('order:')) return 'order';
  return key.startsWith('edge:') ? 'window' : 'unique';
}

/**
 * What processes say that they hold, or held when they published: unique keys, windows and lines as the shared state has them, at most
 * `limit` of them, and as many limits with all their holders.
 */
export async function locksReport(parts: readonly LockPart[], claimOf: ClaimOf, limit: number): Promise<LockInfo[]> {
  const keys = byKey(parts.filter(({ kind }) => kind !== 'limit')).slice(0, limit);
  const locks: LockInfo[] = [];
  for (let at = 0; at < keys.length; at += AT_A_TIME) {
    const some = await Promise.all(keys.slice(at, at + AT_A_TIME).map(async ([key, holders]) => uniqueLock(key, holders, await claimOf(key).catch(() => 'unknown' as const))));
    locks.push(...some.filter((lock) => lock !== undefined));
  }
  return [...locks, ...limitLocks(parts.filter(({ kind }) => kind === 'limit')).slice(0, limit)];
}

/** One of which only the key is known. */
export function claimedLock(key: string, name: string | undefined, { uuid, state, until, absorbed }: HeldKey): LockInfo {
  return { kind: kindOfKey(key), ...(name === undefined ? {} : { name }), key, most: 1, state, ...(until === undefined ? {} : { until }), ...(absorbed === undefined ? {} : { absorbed }), holders: [{ uuid }] };
}

function uniqueLock(key: string, parts: readonly LockPart[], claim: HeldKey | undefined | 'unknown'): LockInfo | undefined {
  const [first] = parts;
  if (first === undefined || claim === undefined) return undefined;
  if (claim === 'unknown') return { kind: kindOfKey(key), name: first.name, key, most: 1, holders: parts.map(holderOf) };
  const holder = parts.find(({ uuid, running }) => uuid === claim.uuid && running);
  const lock = claimedLock(key, first.name, claim);
  return holder === undefined ? lock : { ...lock, holders: [holderOf(holder)] };
}

function limitLocks(parts: readonly LockPart[]): LockInfo[] {
  const locks = new Map<string, LockInfo>();
  for (const part of parts) {
    const { name, key, limit, most, process } = part;
    // Each process has places of its own.
    const id = JSON.stringify([name, key, limit, limit?.endsWith('process') === true ? process : undefined]);
    const known = locks.get(id);
    const holders = [...known?.holders ?? [], holderOf(part)];
    locks.set(id, { kind: 'limit', name, ...(key === undefined ? {} : { key }), ...(limit === undefined ? {} : { limit }), most, holders });
  }
  return [...locks.values()];
}

/** Those that run first, then the latest. */
function byKey(parts: readonly LockPart[]): [key: string, parts: LockPart[]][] {
  const keys = new Map<string, LockPart[]>();
  for (const part of [...parts].sort((a, b) => Number(b.running) - Number(a.running) || b.since - a.since)) {
    if (part.key === undefined) continue;
    const known = keys.get(part.key);
    if (known === undefined) keys.set(part.key, [part]);
    else known.push(part);
  }
  return [...keys];
}

function holderOf({ uuid, process, host, pid, worker, since, running }: LockPart): LockInfo['holders'][number] {
  return running ? { uuid, process, host, pid, ...(worker === undefined ? {} : { worker }), since } : { uuid };
}
