import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RunList, type Listed } from '../../../lib/worker/run-list.js';

class Item implements Listed<Item> {
  before: Item | undefined;
  after: Item | undefined;

  constructor(readonly number: number) {}
}

describe('a RunList', () => {
  it('holds the same in the same order as a Set, whatever comes and goes', () => {
    const steps = fc.array(fc.record({ kind: fc.constantFrom('add', 'delete', 'takeAll'), at: fc.nat() }), { maxLength: 60 });
    fc.assert(fc.property(steps, (made) => {
      const list = new RunList<Item>();
      const set = new Set<Item>();
      const all: Item[] = [];
      for (const { kind, at } of made) {
        const known = all[at % Math.max(1, all.length)];
        if (kind === 'takeAll' && at % 4 === 0) {
          expect(list.takeAll()).toEqual([...set]);
          set.clear();
        } else if (kind === 'delete' && known !== undefined) {
          list.delete(known);
          set.delete(known);
        } else {
          const item = new Item(all.length);
          all.push(item);
          list.add(item);
          set.add(item);
        }
        expect([...list].map(({ number }) => number)).toEqual([...set].map(({ number }) => number));
        expect(list.size).toBe(set.size);
        expect(all.filter((item) => list.has(item))).toEqual(all.filter((item) => set.has(item)));
      }
    }));
  });

  it('keeps nothing alive by what has left it, and takes it again', () => {
    const list = new RunList<Item>();
    const items = [0, 1, 2].map((number) => new Item(number)) as [Item, Item, Item];
    for (const item of items) list.add(item);
    list.delete(items[1]);
    list.delete(items[1]);
    expect([items[1].before, items[1].after]).toEqual([undefined, undefined]);
    list.add(items[1]);
    expect([...list].map(({ number }) => number)).toEqual([0, 2, 1]);
    expect(list.takeAll()).toHaveLength(3);
    expect(items.flatMap(({ before, after }) => [before, after])).toEqual(Array(6).fill(undefined));
  });

  it('passes over what leaves before its turn comes', () => {
    const list = new RunList<Item>();
    const items = [0, 1, 2, 3].map((number) => new Item(number)) as [Item, Item, Item, Item];
    for (const item of items) list.add(item);
    const seen: number[] = [];
    for (const item of list) {
      seen.push(item.number);
      list.delete(item);
      list.delete(items[2]);
    }
    expect(seen).toEqual([0, 1, 3]);
    expect(list.size).toBe(0);
  });

  it('writes a number of each into a list that is there already', () => {
    const list = new RunList<Item>();
    const numbers = [9, 9, 9, 9];
    list.fill(numbers, ({ number }) => number);
    expect(numbers).toEqual([]);
    for (const number of [5, 6]) list.add(new Item(number));
    list.fill(numbers, ({ number }) => number * 2);
    expect(numbers).toEqual([10, 12]);
  });
});
