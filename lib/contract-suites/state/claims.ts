import { bytes, inTurn, MINUTE, type StateBench } from './bench.js';

export function claimsContract(bench: StateBench): void {
  const { it, expect } = bench;
  it('gives a key to exactly one of a hundred at once, and tells the others whose it is', () => bench.with(4, async (backends) => {
    for (let round = 0; round < 5; round++) {
      const claims = await Promise.all(Array.from({ length: 100 }, async (_, index) => ({ value: `owner-${index}`, claim: await inTurn(backends, index).setIfAbsent(`lock-${round}`, bytes(`owner-${index}`), MINUTE) })));
      const winners = claims.filter(({ claim }) => claim.taken).map(({ value }) => value);
      const losers = claims.flatMap(({ claim }) => (claim.taken ? [] : [claim.value.toString()]));
      expect(winners.length).toBe(1);
      expect([...new Set(losers)]).toEqual(winners);
    }
  }));

  it('frees a key for its owner alone', () => bench.with(2, async ([owner, other = owner]) => {
    await owner.setIfAbsent('lock', bytes('mine'), MINUTE);
    expect(await other.deleteIfEqual('lock', bytes('theirs'))).toBe(false);
    expect(await other.deleteIfEqual('lock', bytes('min'))).toBe(false);
    expect((await other.get('lock'))?.toString()).toBe('mine');
    expect(await owner.deleteIfEqual('lock', bytes('mine'))).toBe(true);
    expect(await owner.deleteIfEqual('lock', bytes('mine'))).toBe(false);
    expect(await other.setIfAbsent('lock', bytes('theirs'), MINUTE)).toEqual({ taken: true });
  }));

  it('frees it once, of a hundred who try', () => bench.with(2, async (backends) => {
    await backends[0].setIfAbsent('lock', bytes('mine'), MINUTE);
    const freed = await Promise.all(Array.from({ length: 100 }, (_, index) => inTurn(backends, index).deleteIfEqual('lock', bytes('mine'))));
    expect(freed.filter(Boolean).length).toBe(1);
  }));

  changesContract(bench);
}

function changesContract(bench: StateBench): void {
  const { it, expect } = bench;
  it('loses no change of a hundred who replace what they have read', () => bench.with(2, async (backends) => {
    await backends[0].set('counter', bytes('0'), MINUTE);
    await Promise.all(Array.from({ length: 100 }, async (_, index) => {
      const backend = inTurn(backends, index);
      for (;;) {
        const found = await backend.get('counter') as Buffer;
        if (await backend.replaceIfEqual('counter', found, bytes(String(Number(found.toString()) + 1)), MINUTE)) return;
      }
    }));
    expect((await inTurn(backends, 1).get('counter'))?.toString()).toBe('100');
  }));

  it('makes nothing by replacing nothing', () => bench.with(1, async ([backend]) => {
    expect(await backend.replaceIfEqual('nothing', bytes(''), bytes('v'), MINUTE)).toBe(false);
    expect(await backend.get('nothing')).toBe(undefined);
  }));
}
