import { describe, expect, it } from 'vitest';
import { SilentOwners, type SilentOwner } from '../../../../lib/brokers/redis/silent-owners.js';

const LIMITS = { goneMs: 4_000, silentMs: 30_000, lookMs: 6_000 };

const one = (owner: string, heard: string, isConnected = false): SilentOwner => ({ owner, heard, isConnected });

/** Looks every two seconds, as often as there is something to see. @returns what was dead each time */
function watch(silent: SilentOwners, seen: readonly (readonly SilentOwner[])[], from = 0): string[][] {
  return seen.map((found, index) => silent.look(found, from + 2_000 * index).map(({ owner }) => owner));
}

describe('who is silent', () => {
  it('is dead once it was watched for as long as its connection asks', () => {
    const silent = new SilentOwners(LIMITS);
    const both = [one('gone', '1'), one('frozen', '1', true)];
    const looks = watch(silent, Array.from({ length: 16 }, () => both));
    expect(looks.map((dead) => dead.length)).toEqual([0, 0, ...Array<number>(13).fill(1), 2]);
    expect(looks.at(-1)).toEqual(['gone', 'frozen']);
  });

  it('is alive when it was heard meanwhile, and watched anew', () => {
    const silent = new SilentOwners(LIMITS);
    expect(watch(silent, ['1', '1', '2', '2', '2'].map((heard) => [one('a', heard)]))).toEqual([[], [], [], [], ['a']]);
    expect(watch(new SilentOwners(LIMITS), [[one('a', '1')], [], [one('a', '1')], [one('a', '1')]])).toEqual([[], [], [], []]);
  });

  it('is dead by no clock but our own: however old it seems, it is watched first', () => {
    const silent = new SilentOwners(LIMITS);
    const all = Array.from({ length: 50 }, (_, index) => one(`p${index}`, '-99999999', index % 2 === 0));
    expect(silent.look(all, 5_000)).toEqual([]);
    expect(silent.look(all.map(({ owner, isConnected }) => one(owner, '7', isConnected)), 9_500)).toEqual([]);
  });

  it('is watched anew by whoever was told nothing meanwhile, or has not looked', () => {
    const silent = new SilentOwners(LIMITS);
    silent.look([one('a', '1')], 0);
    silent.forget();
    expect(silent.look([one('a', '1')], 4_000)).toEqual([]);
    expect(silent.look([one('a', '1')], 10_001)).toEqual([]);
    expect(silent.look([one('a', '1')], 14_001).length).toBe(1);
  });
});
