import { ConfigurationError, ResultTooLargeError } from '../../errors.js';
import { clock } from '../../time/clock.js';
import { bytes, MINUTE, rejection, type StateBench } from './bench.js';

const MIB = 1024 * 1024;
const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const LONG = 'l'.repeat(10_000);
const KEYS = ['plain', 'Plain', 'with space', 'line\r\nbreak', 'nul\0', 'ünïcode 🎉', '\ud800', '\ud801', '*?[a]{b}', '~', 'a~b', LONG, `${LONG}!`, '../../etc', '__proto__'];

export function valuesContract(bench: StateBench): void {
  const { it, expect } = bench;
  it('gives values back byte for byte, to others too', () => bench.with(2, async ([writer, reader]) => {
    const values = { every: EVERY_BYTE, empty: Buffer.alloc(0), zero: Buffer.from([0]), crlf: bytes('\r\nEND\r\nVALUE x 0 1\r\n') };
    for (const [key, value] of Object.entries(values)) await writer.set(key, value, MINUTE);
    for (const [key, value] of Object.entries(values)) expect((await reader?.get(key))?.toString('hex')).toBe(value.toString('hex'));
    expect(await reader?.get('nothing')).toBe(undefined);
  }));

  it('has copies of its own of values', () => bench.with(1, async ([backend]) => {
    const written = bytes('before');
    await backend.set('k', written, MINUTE);
    written.fill('x');
    (await backend.get('k'))?.fill('y');
    expect((await backend.get('k'))?.toString()).toBe('before');
  }));

  it('replaces values as a whole, and deletes them, twice too', () => bench.with(1, async ([backend]) => {
    await backend.set('k', bytes('a long first value'), MINUTE);
    await backend.set('k', bytes('short'), MINUTE);
    expect((await backend.get('k'))?.toString()).toBe('short');
    await backend.delete('k');
    await backend.delete('k');
    expect(await backend.get('k')).toBe(undefined);
  }));

  it('takes any key', () => bench.with(1, async ([backend]) => {
    await Promise.all(KEYS.map((key, index) => backend.set(key, bytes(String(index)), MINUTE)));
    expect(await Promise.all(KEYS.map(async (key) => (await backend.get(key))?.toString()))).toEqual(KEYS.map((_, index) => String(index)));
  }));

  it('does not mix up a thousand operations at once', () => bench.with(1, async ([backend]) => {
    const numbers = Array.from({ length: 1_000 }, (_, index) => index);
    await Promise.all(numbers.map((number) => backend.set(`k${number}`, bytes(`v${number}`), MINUTE)));
    expect(await Promise.all(numbers.map(async (number) => (await backend.get(`k${number}`))?.toString()))).toEqual(numbers.map((number) => `v${number}`));
  }));
  boundsContract(bench);
}

function boundsContract(bench: StateBench): void {
  const { it, expect } = bench;
  it('keeps large values, up to what it says that it takes, and refuses larger ones', () => bench.with(1, async ([backend]) => {
    for (const size of [MIB, 5 * MIB, Math.min(backend.capabilities.maxValueBytes, 15 * MIB)]) {
      const value = Buffer.alloc(size, EVERY_BYTE);
      const key = `large-${size}`;
      if (size > backend.capabilities.maxValueBytes) {
        expect(await rejection(backend.set(key, value, MINUTE)) instanceof ResultTooLargeError).toBe(true);
        expect(await rejection(backend.setIfAbsent(key, value, MINUTE)) instanceof ResultTooLargeError).toBe(true);
        expect(await backend.get(key)).toBe(undefined);
      } else {
        await backend.set(key, value, MINUTE);
        expect((await backend.get(key))?.equals(value)).toBe(true);
      }
    }
  }));

  it('refuses an empty key, and expiries that make no sense, before anything is sent', () => bench.with(1, async ([backend]) => {
    for (const expiresInMs of [0, -1, Number.NaN, 1e15]) expect(await rejection(backend.set('k', bytes('v'), { expiresInMs })) instanceof ConfigurationError).toBe(true);
    expect(await rejection(backend.set('', bytes('v'), MINUTE)) instanceof ConfigurationError).toBe(true);
  }));

  it('lets nothing expire early, and all of it in time', () => bench.with(1, async ([backend]) => {
    const expiresInMs = 1_000;
    const before = clock.elapsed();
    await backend.set('short', bytes('v'), { expiresInMs });
    await backend.set('renewed', bytes('v'), { expiresInMs: 500 });
    await backend.set('renewed', bytes('w'), MINUTE);
    await backend.set('forever', bytes('v'), { expiresInMs: Infinity });
    while (await backend.get('short') !== undefined) await clock.sleep(5);
    expect(clock.elapsed() - before >= expiresInMs).toBe(true);
    expect([(await backend.get('renewed'))?.toString(), (await backend.get('forever'))?.toString()]).toEqual(['w', 'v']);
    expect(await backend.setIfAbsent('short', bytes('w'), MINUTE)).toEqual({ taken: true });
  }));
}
