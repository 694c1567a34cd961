import { describe, expect, it } from 'vitest';
import { bytes, MINUTE, type ResultBackendBench } from './fixture.js';
import { itemAt } from '../../support/present.js';

export function describeClaims({ connect }: ResultBackendBench): void {
  describe.concurrent('claims', () => {
    it('of a hundred at once, exactly one wins, and all others see its value', async () => {
      const backends = await Promise.all([connect(), connect(), connect(), connect()]);
      for (let round = 0; round < 5; round++) {
        const claims = await Promise.all(Array.from({ length: 100 }, async (_, index) => ({
          value: `owner-${index}`,
          claim: await itemAt(backends, index % 4).setIfAbsent(`lock-${round}`, bytes(`owner-${index}`), MINUTE),
        })));
        const winners = claims.filter(({ claim }) => claim.taken);
        expect(winners).toHaveLength(1);
        const losers = claims.filter(({ claim }) => !claim.taken).map(({ claim }) => claim.taken || claim.value.toString());
        expect(new Set(losers)).toEqual(new Set(winners.map(({ value }) => value)));
      }
    });

    it('are freed by their owner only', async () => {
      const owner = await connect();
      const other = await connect();
      await owner.setIfAbsent('lock', bytes('mine'), MINUTE);
      expect(await other.deleteIfEqual('lock', bytes('theirs'))).toBe(false);
      expect(await other.deleteIfEqual('lock', bytes('min'))).toBe(false);
      expect(await other.get('lock')).toEqual(bytes('mine'));
      expect(await owner.deleteIfEqual('lock', bytes('mine'))).toBe(true);
      expect(await owner.deleteIfEqual('lock', bytes('mine'))).toBe(false);
      expect(await other.setIfAbsent('lock', bytes('theirs'), MINUTE)).toEqual({ taken: true });
    });

    it('of a hundred who free a lock, exactly one does', async () => {
      const backends = await Promise.all([connect(), connect()]);
      await backends[0].setIfAbsent('lock', bytes('mine'), MINUTE);
      const freed = await Promise.all(Array.from({ length: 100 }, (_, index) => itemAt(backends, index % 2).deleteIfEqual('lock', bytes('mine'))));
      expect(freed.filter(Boolean)).toHaveLength(1);
    });

    it('lose no change among a hundred who replace what they have read', async () => {
      const backends = await Promise.all([connect(), connect()]);
      await backends[0].set('counter', bytes('0'), MINUTE);
      await Promise.all(Array.from({ length: 100 }, async (_, index) => {
        const backend = itemAt(backends, index % 2);
        for (;;) {
          const found = await backend.get('counter') as Buffer;
          if (await backend.replaceIfEqual('counter', found, bytes(String(Number(found.toString()) + 1)), MINUTE)) return;
        }
      }));
      expect((await backends[1].get('counter'))?.toString()).toBe('100');
    });

    it('are not made by replacing nothing', async () => {
      const backend = await connect();
      expect(await backend.replaceIfEqual('nothing', bytes(''), bytes('v'), MINUTE)).toBe(false);
      expect(await backend.get('nothing')).toBeUndefined();
    });
  });
}
