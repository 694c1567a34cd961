import { describe, expect, it } from 'vitest';
import { ConfigurationError, ResultTooLargeError } from '../../../lib/errors.js';
import { eventually } from '../../support/wait.js';
import { bytes, MINUTE, type ResultBackendBench } from './fixture.js';

const MIB = 1024 * 1024;
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

export function describeValues({ connect, subject }: ResultBackendBench): void {
  describe.concurrent('values', () => {
    it('come back as they were written, byte for byte', async () => {
      const writer = await connect();
      const reader = await connect();
      const values = { every: EVERY_BYTE, empty: Buffer.alloc(0), zero: Buffer.from([0]), crlf: bytes('\r\nEND\r\nVALUE x 0 1\r\n') };
      for (const [key, value] of Object.entries(values)) await writer.set(key, value, MINUTE);
      for (const [key, value] of Object.entries(values)) expect(await reader.get(key)).toEqual(value);
      expect(await reader.get('nothing')).toBeUndefined();
    });

    it('are the caller\'s own copies', async () => {
      const backend = await connect();
      const written = bytes('before');
      await backend.set('k', written, MINUTE);
      written.fill('x');
      (await backend.get('k'))?.fill('y');
      expect(await backend.get('k')).toEqual(bytes('before'));
    });

    it('are replaced as a whole, and deleted', async () => {
      const backend = await connect();
      await backend.set('k', bytes('a long first value'), MINUTE);
      await backend.set('k', bytes('short'), MINUTE);
      expect(await backend.get('k')).toEqual(bytes('short'));
      await backend.delete('k');
      await backend.delete('k');
      expect(await backend.get('k')).toBeUndefined();
    });

    it('may have any key', async () => {
      const backend = await connect();
      const long = 'l'.repeat(10_000);
      const keys = ['plain', 'Plain', 'with space', 'line\r\nbreak', 'nul\0', 'ünïcode 🎉', '\ud800', '\ud801', '*?[a]{b}', '~', 'a~b', long, `${long}!`, '../../etc', '__proto__'];
      await Promise.all(keys.map((key, index) => backend.set(key, bytes(String(index)), MINUTE)));
      expect(await Promise.all(keys.map(async (key) => (await backend.get(key))?.toString()))).toEqual(keys.map((_, index) => String(index)));
    });

    it.each([1, 5])('of %i MiB are kept, or refused where the server has a limit', async (size) => {
      const backend = await connect();
      const value = Buffer.alloc(size * MIB, EVERY_BYTE);
      if (value.length > backend.capabilities.maxValueBytes) {
        await expect(backend.set('big', value, MINUTE)).rejects.toThrow(ResultTooLargeError);
        await expect(backend.setIfAbsent('big', value, MINUTE)).rejects.toThrow(ResultTooLargeError);
        expect(await backend.get('big')).toBeUndefined();
        return;
      }
      await backend.set('big', value, MINUTE);
      const back = await backend.get('big');
      expect(back?.equals(value)).toBe(true);
    });

    it('as large as the backend says fit', async () => {
      const backend = await connect();
      const value = Buffer.alloc(Math.min(backend.capabilities.maxValueBytes, 15 * MIB), 1);
      await backend.set('largest', value, MINUTE);
      expect((await backend.get('largest'))?.equals(value)).toBe(true);
    });

    it('are refused before they are sent when they or their options make no sense', async () => {
      const backend = await connect();
      for (const expiresInMs of [0, -1, NaN, 1e15]) {
        await expect(backend.set('k', bytes('v'), { expiresInMs })).rejects.toThrow(ConfigurationError);
      }
      await expect(backend.set('', bytes('v'), MINUTE)).rejects.toThrow(ConfigurationError);
    });

    it('do not get mixed up among a thousand operations at once', async () => {
      const backend = await connect();
      const numbers = Array.from({ length: 1000 }, (_, index) => index);
      await Promise.all(numbers.map((number) => backend.set(`k${number}`, bytes(`v${number}`), MINUTE)));
      expect(await Promise.all(numbers.map(async (number) => (await backend.get(`k${number}`))?.toString()))).toEqual(numbers.map((number) => `v${number}`));
    });
  });

  describe.concurrent('expiry', () => {
    it('comes, and never early', async () => {
      const backend = await connect();
      const expiresInMs = 1_200;
      const key = 'short-lived';
      const before = performance.now();
      await backend.set(key, bytes('v'), { expiresInMs });
      while (await backend.get(key) !== undefined) await new Promise((resolve) => { setTimeout(resolve, 5); });
      const lived = performance.now() - before;
      expect(lived).toBeGreaterThanOrEqual(expiresInMs);
      expect(await backend.setIfAbsent(key, bytes('w'), MINUTE)).toEqual({ taken: true });
    });

    it('begins anew with each write', async () => {
      const backend = await connect();
      await backend.set('renewed', bytes('v'), { expiresInMs: 600 });
      await backend.set('renewed', bytes('w'), MINUTE);
      await backend.set('marker', bytes('v'), { expiresInMs: 700 });
      await eventually(() => backend.get('marker'), (value) => value === undefined, 'the marker to expire');
      expect(await backend.get('renewed')).toEqual(bytes('w'));
    });

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
