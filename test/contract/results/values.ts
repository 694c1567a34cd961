import { describe, expect, it } from 'vitest';
import { eventually } from '../../support/wait.js';
import { bytes, MINUTE, type ResultBackendBench } from './fixture.js';

export function describeValues({ connect, subject }: ResultBackendBench): void {
  describe.concurrent('expiry', () => {
    it('can be never', async () => {
      const backend = await connect();
      await backend.set('k', bytes('v'), { expiresInMs: Infinity });
      await backend.addMember('k', 'm', bytes('1'), { expiresInMs: Infinity });
      expect(await backend.get('k')).toEqual(bytes('v'));
      expect(await backend.addMember('k', 'm', bytes('1'), MINUTE)).toEqual({ count: 1, added: false });
    });

    it('reaches sets as a whole, after the latest addition', async () => {
      const backend = await connect();
      await backend.addMember('set', 'first', bytes('1'), { expiresInMs: 2_000 });
      await backend.set('marker', bytes('v'), { expiresInMs: 500 });
      await eventually(() => backend.get('marker'), (value) => value === undefined, 'the marker to expire');
      const prolonged = performance.now();
      expect(await backend.addMember('set', 'second', bytes('2'), { expiresInMs: 2_000 })).toEqual({ count: 2, added: true });
      const counts = async (): Promise<number> => {
        let count = 0;
        for await (const page of backend.members('set')) count += page.length;
        return count;
      };
      const seen: number[] = [];
      await eventually(counts, (count) => { seen.push(count); return count === 0; }, 'the set to expire', { everyMs: 10 });
      expect(performance.now() - prolonged).toBeGreaterThanOrEqual(2_000);
      expect(new Set(seen)).toEqual(new Set([2, 0]));
      expect(await backend.addMember('set', 'third', bytes('3'), MINUTE)).toEqual({ count: 1, added: true });
    });
  });

  if (subject.keepsAfterKill === true) {
    it('keeps what it acknowledged when it is killed', async () => {
      const backend = await connect();
      await backend.set('value', bytes('v'), MINUTE);
      await backend.addMember('set', 'm', bytes('1'), MINUTE);
      await subject.server?.kill9();
      await subject.server?.start();
      const after = await connect();
      expect(await after.get('value')).toEqual(bytes('v'));
      expect(await after.addMember('set', 'm', bytes('1'), MINUTE)).toEqual({ count: 1, added: false });
    });
  }
}
