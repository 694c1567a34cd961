import { ConfigurationError } from '../../errors.js';
import type { StateBackend } from '../../state/state-backend.js';
import { bytes, inTurn, MINUTE, rejection, type StateBench } from './bench.js';

const NAMES = ['with space', 'line\r\nbreak', 'nul\0', '🎉', '~', '__proto__', 'constructor', '0', 'x'.repeat(512)];

export function membersContract(bench: StateBench): void {
  const { it, expect } = bench;
  it('counts each member once, with the value that came first', () => bench.with(2, async ([backend, other = backend]) => {
    expect(await backend.addMember('group', 'a', bytes('1'), MINUTE)).toEqual({ count: 1, added: true });
    expect(await other.addMember('group', 'b', bytes('2'), MINUTE)).toEqual({ count: 2, added: true });
    expect(await other.addMember('group', 'a', bytes('other'), MINUTE)).toEqual({ count: 2, added: false });
    expect(await backend.addMember('another', 'a', bytes('3'), MINUTE)).toEqual({ count: 1, added: true });
    expect(await membersOf(other, 'group')).toEqual(['a=1', 'b=2']);
    expect(await membersOf(other, 'nothing')).toEqual([]);
  }));

  it('keeps a set apart from the value of its key, and deletes it with that', () => bench.with(1, async ([backend]) => {
    await backend.set('k', bytes('value'), MINUTE);
    await backend.addMember('k', 'm', bytes('1'), MINUTE);
    expect((await backend.get('k'))?.toString()).toBe('value');
    await backend.delete('k');
    expect([await backend.get('k'), await membersOf(backend, 'k')]).toEqual([undefined, []]);
    expect(await backend.addMember('k', 'm', bytes('2'), MINUTE)).toEqual({ count: 1, added: true });
    expect(await membersOf(backend, 'k')).toEqual(['m=2']);
  }));

  it('takes any name of a member, up to 512 characters', () => bench.with(1, async ([backend]) => {
    for (const name of NAMES) await backend.addMember('odd names', name, bytes('v'), MINUTE);
    expect(await membersOf(backend, 'odd names')).toEqual(NAMES.map((name) => `${name}=v`));
    for (const name of ['', 'x'.repeat(513), '\ud800']) expect(await rejection(backend.addMember('odd names', name, bytes('1'), MINUTE)) instanceof ConfigurationError).toBe(true);
  }));

  manyMembersContract(bench);
}

function manyMembersContract(bench: StateBench): void {
  const { it, expect } = bench;
  it('gives each of a race a count of its own, and one of them all', () => bench.with(4, async (backends) => {
    // Each member comes twice, by two ways, as after a redelivery.
    const additions = await Promise.all(Array.from({ length: 200 }, (_, index) => inTurn(backends, index).addMember('race', `m${index >> 1}`, bytes('v'), MINUTE)));
    const added = additions.filter((addition) => addition.added).map(({ count }) => count).sort((a, b) => a - b);
    expect(added).toEqual(Array.from({ length: 100 }, (_, index) => index + 1));
    expect(Math.max(...additions.map(({ count }) => count))).toBe(100);
    expect(new Set(await membersOf(backends[0], 'race')).size).toBe(100);
  }));

  it('gives many members in pages, each once', () => bench.with(1, async ([backend]) => {
    const total = 2_500;
    for (let first = 0; first < total; first += 250) await Promise.all(Array.from({ length: 250 }, (_, index) => backend.addMember('many', `m${first + index}`, bytes('v'), MINUTE)));
    const sizes: number[] = [];
    const names = new Set<string>();
    for await (const page of backend.members('many')) {
      sizes.push(page.length);
      for (const { member } of page) names.add(member);
    }
    expect([names.size, sizes.reduce((sum, size) => sum + size, 0), sizes.every((size) => size <= 1_000), sizes.length > 2]).toEqual([total, total, true, true]);
  }));
}

async function membersOf(backend: StateBackend, key: string): Promise<string[]> {
  const members: string[] = [];
  for await (const page of backend.members(key)) for (const { member, value } of page) members.push(`${member}=${value.toString()}`);
  return members;
}
