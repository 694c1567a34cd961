import { TaskTooLargeError } from '../errors.js';
import type { ClaimStore } from '../claims/claim-store.js';
import type { AsyncTestFunctions } from './async-test-functions.js';

/** Far away, so that no clock of a store is asked to be exact. */
const LONG_AGO = new Date('2000-01-01');
const ONE_DAY = new Date('2100-01-01');
const KEYS = ['2026-01-01/6f9b2c1e-0000-4000-8000-000000000001', '2026-01-02/6f9b2c1e-0000-4000-8000-000000000002', '2026-01-02/6f9b2c1e-0000-4000-8000-000000000003'] as const;
const MOST = 10 * 1024 * 1024;

/**
 * What every claim store has to do, as tests for the runner of your choice.
 *
 * @param make an empty store each time
 * @publicApi
 */
export function claimStoreContract({ describe, it, expect }: AsyncTestFunctions, name: string, make: () => Promise<ClaimStore>): void {
  describe(`the claim store ${name}`, () => {
    it('gives back the bytes that were put, none and many', async () => {
      const store = await make();
      const bodies = [Buffer.alloc(0), Buffer.from([0, 255, 10, 13]), Buffer.alloc(3 * 1024 * 1024, 'x')];
      for (const [index, key] of KEYS.entries()) await store.put(key, bodies[index] as Buffer);
      for (const [index, key] of KEYS.entries()) expect((await store.get(key, MOST))?.equals(bodies[index] as Buffer)).toBe(true);
    });
    it('has nothing of what was never put, and deletes it without a word', async () => {
      const store = await make();
      await store.put(KEYS[1], Buffer.from('another'));
      expect(await store.get(KEYS[0], MOST)).toBe(undefined);
      await store.delete(KEYS[0]);
    });
    it('has the last body of a key, and none once it is deleted, twice too', async () => {
      const store = await make();
      await store.put(KEYS[0], Buffer.from('one'));
      await store.put(KEYS[0], Buffer.from('two'));
      expect((await store.get(KEYS[0], MOST))?.toString()).toBe('two');
      for (let times = 0; times < 2; times++) await store.delete(KEYS[0]);
      expect(await store.get(KEYS[0], MOST)).toBe(undefined);
    });
  });
  boundsContract({ describe, it, expect }, name, make);
}

function boundsContract({ describe, it, expect }: AsyncTestFunctions, name: string, make: () => Promise<ClaimStore>): void {
  describe(`the claim store ${name}, with much in it,`, () => {
    it('does not read what is larger than is taken', async () => {
      const store = await make();
      await store.put(KEYS[0], Buffer.alloc(1001));
      expect((await store.get(KEYS[0], 1001))?.length).toBe(1001);
      expect(await refusal(store.get(KEYS[0], 1000)) instanceof TaskTooLargeError).toBe(true);
    });
    it('sweeps what was put before, and counts it', async () => {
      const store = await make();
      for (const key of KEYS) await store.put(key, Buffer.from(key));
      expect(await store.sweep(LONG_AGO)).toBe(0);
      expect((await store.get(KEYS[2], MOST))?.toString()).toBe(KEYS[2]);
      expect(await store.sweep(ONE_DAY)).toBe(KEYS.length);
      for (const key of KEYS) expect(await store.get(key, MOST)).toBe(undefined);
      expect(await store.sweep(ONE_DAY)).toBe(0);
    });
    it('keeps them apart while many come and go at once', async () => {
      const store = await make();
      const keys = Array.from({ length: 20 }, (_, index) => `2026-01-03/6f9b2c1e-0000-4000-8000-${String(index).padStart(12, '0')}`);
      await Promise.all(keys.map((key) => store.put(key, Buffer.from(key))));
      const found = await Promise.all(keys.map(async (key) => (await store.get(key, MOST))?.toString()));
      expect(found).toEqual(keys);
      await Promise.all(keys.map((key) => store.delete(key)));
      expect(await store.sweep(ONE_DAY)).toBe(0);
    });
  });
}

async function refusal(of: Promise<unknown>): Promise<unknown> {
  try {
    await of;
    return undefined;
  } catch (error) {
    return error;
  }
}
