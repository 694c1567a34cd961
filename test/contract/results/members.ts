import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../../../lib/errors.js';
import { allMembers, bytes, MINUTE, type ResultBackendBench } from './fixture.js';
import { itemAt } from '../../support/present.js';

export function describeMembers({ connect }: ResultBackendBench): void {
  describe.concurrent('members', () => {
    it('count once each, with the value that came first', async () => {
      const backend = await connect();
      const other = await connect();
      expect(await backend.addMember('group', 'a', bytes('1'), MINUTE)).toEqual({ count: 1, added: true });
      expect(await other.addMember('group', 'b', bytes('2'), MINUTE)).toEqual({ count: 2, added: true });
      expect(await other.addMember('group', 'a', bytes('other'), MINUTE)).toEqual({ count: 2, added: false });
      expect(await backend.addMember('another', 'a', bytes('3'), MINUTE)).toEqual({ count: 1, added: true });
      expect(await allMembers(other, 'group')).toEqual([{ member: 'a', value: bytes('1') }, { member: 'b', value: bytes('2') }]);
    });

    it('are apart from the value of the same key, and deleted with it', async () => {
      const backend = await connect();
      await backend.set('k', bytes('value'), MINUTE);
      await backend.addMember('k', 'm', bytes('1'), MINUTE);
      expect(await backend.get('k')).toEqual(bytes('value'));
      expect(await allMembers(backend, 'k')).toHaveLength(1);
      await backend.delete('k');
      expect(await backend.get('k')).toBeUndefined();
      expect(await allMembers(backend, 'k')).toEqual([]);
      expect(await backend.addMember('k', 'm', bytes('2'), MINUTE)).toEqual({ count: 1, added: true });
      expect(await allMembers(backend, 'k')).toEqual([{ member: 'm', value: bytes('2') }]);
    });

    it('may have any name', async () => {
      const backend = await connect();
      const names = ['with space', 'line\r\nbreak', 'nul\0', '🎉', '~', '__proto__', 'constructor', '0', 'x'.repeat(512)];
      for (const name of names) await backend.addMember('odd names', name, Buffer.from([0, 255]), MINUTE);
      expect(await allMembers(backend, 'odd names')).toEqual(names.map((member) => ({ member, value: Buffer.from([0, 255]) })));
      for (const name of ['', 'x'.repeat(513), '\ud800']) {
        await expect(backend.addMember('odd names', name, bytes('1'), MINUTE)).rejects.toThrow(ConfigurationError);
      }
    });

    it('of a race, each sees a count of its own, and one sees them all', async () => {
      const backends = await Promise.all([connect(), connect(), connect(), connect()]);
      // Each member arrives twice, by two ways, as after a redelivery.
      const additions = await Promise.all(Array.from({ length: 200 }, (_, index) => itemAt(backends, index % 4).addMember('race', `m${index >> 1}`, bytes(String(index >> 1)), MINUTE)));
      const added = additions.filter((addition) => addition.added).map(({ count }) => count).sort((a, b) => a - b);
      expect(added).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
      expect(Math.max(...additions.map(({ count }) => count))).toBe(100);
      const members = await allMembers(backends[0], 'race');
      expect(new Set(members.map(({ member }) => member)).size).toBe(100);
      expect(members).toHaveLength(100);
      expect(members.every(({ member, value }) => member === `m${value.toString()}`)).toBe(true);
    });

    it('come in pages, in the order of their arrival, however many there are', async () => {
      const backend = await connect();
      const total = 2_500;
      for (let first = 0; first < total; first += 250) {
        await Promise.all(Array.from({ length: 250 }, (_, index) => backend.addMember('many', `m${first + index}`, bytes(String(first + index)), MINUTE)));
      }
      const names: string[] = [];
      let pages = 0;
      for await (const page of backend.members('many')) {
        pages++;
        expect(page.length).toBeLessThanOrEqual(1000);
        names.push(...page.map(({ member }) => member));
      }
      expect(pages).toBeGreaterThan(2);
      expect(names).toHaveLength(total);
      expect(new Set(names).size).toBe(total);
    });

    it('with large values come in small pages', async () => {
      const backend = await connect();
      const value = Buffer.alloc(400_000, 7);
      for (let index = 0; index < 8; index++) await backend.addMember('large', `m${index}`, value, MINUTE);
      let members = 0;
      for await (const page of backend.members('large')) {
        expect(page.reduce((sum, member) => sum + member.value.length, 0)).toBeLessThan(20 * value.length);
        members += page.length;
      }
      expect(members).toBe(8);
    });

    it('of no set are none', async () => {
      const backend = await connect();
      expect(await allMembers(backend, 'nothing')).toEqual([]);
    });
  });
}
