import { describe, expect, it } from 'vitest';
import { ForeignStore } from '../../../../lib/brokers/redis/foreign/foreign-store.js';
import { gocraftPeer } from '../../../../lib/brokers/redis/foreign/gocraft-peer.js';
import { FOREIGN_SETTLE, FOREIGN_TAKE, FOREIGN_UNIQUE } from '../../../../lib/brokers/redis/foreign/scripts.js';
import type { RedisSession } from '../../../../lib/brokers/redis/redis-session.js';
import type { TakenMessage } from '../../../../lib/brokers/store/queue-store.js';
import { Arrivals } from '../../../support/wait.js';

const PLACE = { queue: 'it', isDead: false, peer: gocraftPeer };
const job = (name: string, more = ''): string => `{"name":"${name}","id":"of-${name}","t":1,"args":{"a":1}${more}}`;
const UNIQUE = job('once', ',"unique":true');

/** A Redis in which these jobs wait, and which does with unique keys what it is told. */
function scene(jobs: readonly string[], unique: (keys: readonly string[]) => Promise<Buffer[]>) {
  const calls = { unique: [] as string[][], settled: new Arrivals<readonly string[]>(), warnings: [] as string[] };
  let owner = 'me';
  const session = {
    callForBytes: (script: unknown, args: string[]) => {
      if (script === FOREIGN_TAKE) return Promise.resolve([0, ...jobs.flatMap((one, index) => [String(index + 1), one, '']).map((text) => Buffer.from(text))]);
      if (script === FOREIGN_UNIQUE) calls.unique.push(args);
      return unique(args);
    },
    call: (script: unknown, [, ...args]: string[]) => {
      if (script === FOREIGN_SETTLE) calls.settled.add(args);
      return Promise.resolve(args.length / 3);
    },
  } as unknown as RedisSession;
  const store = new ForeignStore({
    owner: () => owner, isInDoubt: () => false, find: () => PLACE, namesFor: () => [], pool: 'pool', ready: () => undefined, missed: () => undefined, session: () => Promise.resolve(session),
    warning: (message) => { calls.warnings.push(message); }, lock: () => Promise.resolve(true), unlock: () => Promise.resolve(),
  });
  store.connected(session);
  const take = (from: Pick<ForeignStore, 'take'> = store): Promise<readonly TakenMessage[]> => new Promise((resolve) => { from.take('it', 10, resolve); });
  return { store, calls, take, loseLease: () => { owner = 'another'; store.leaseLost(); } };
}

const free = (keys: readonly string[]): Promise<Buffer[]> => Promise.resolve(keys.map(() => Buffer.from('')));

describe('jobs of another system', () => {
  it('that are unique let go of their keys when they are taken, and a newer one runs in the place of the older', async () => {
    const { store, calls, take } = scene([UNIQUE, job('plain')], (keys) => Promise.resolve(keys.map(() => Buffer.from(job('newer', ',"unique":true')))));
    const taken = await take();
    expect(calls.unique).toEqual([['it:unique:once:{"a":1}\n']]);
    expect(taken.map(({ body }) => (JSON.parse(body.toString()) as { name: string }).name)).toEqual(['newer', 'plain']);
    expect(store.held.size).toBe(2);
  });

  it('keep their keys from whoever only looks', async () => {
    const { store, calls, take } = scene([UNIQUE], free);
    expect(await take(store.walked)).toHaveLength(1);
    expect(calls.unique).toEqual([]);
  });

  it('go back where their keys cannot be asked for, and are held by nobody', async () => {
    const { store, calls, take } = scene([UNIQUE, job('plain')], () => Promise.reject(new Error('busy')));
    expect(await take()).toEqual([]);
    expect(store.held.size).toBe(0);
    const settled = await calls.settled.count(1);
    expect(settled).toEqual([['u', '1', '1', 'u', '2', '1']]);
    expect(calls.warnings.join()).toContain('busy');
  });

  it('are not run here when the lease was lost while their keys were asked for', async () => {
    let answer = (_: Buffer[]): void => undefined;
    const { take, loseLease } = scene([UNIQUE], () => new Promise((resolve) => { answer = resolve; }));
    const taking = take();
    await Promise.resolve();
    await Promise.resolve();
    loseLease();
    answer([Buffer.from('')]);
    expect(await taking).toEqual([]);
  });
});
