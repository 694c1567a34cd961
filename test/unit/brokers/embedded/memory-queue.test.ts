import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MemoryQueue } from '../../../../lib/brokers/embedded/memory-queue.js';

interface Item { order: number }

describe('MemoryQueue', () => {
  it('always gives the oldest, whatever was taken, settled and put back before', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('push', 'shift', 'return'), fc.nat(30)), { maxLength: 300 }), (steps) => {
      const queue = new MemoryQueue<Item>();
      let order = 0;
      let waiting: number[] = [];
      const taken: Item[] = [];
      for (const [step, pick] of steps) {
        if (step === 'push') {
          queue.push({ order: ++order });
          waiting.push(order);
        } else if (step === 'shift') {
          const item = queue.shift();
          expect(item?.order).toBe(waiting.shift());
          if (item !== undefined) taken.push(item);
        } else if (taken.length > 0) {
          const [item] = taken.splice(pick % taken.length, 1) as [Item];
          queue.putBack(item);
          waiting = [...waiting, item.order].sort((a, b) => a - b);
        }
        expect(queue.size).toBe(waiting.length);
      }
    }));
  });

  it('stays in order over the size at which it makes room', () => {
    const queue = new MemoryQueue<Item>();
    for (let order = 1; order <= 20_000; order++) queue.push({ order });
    for (let order = 1; order <= 15_000; order++) expect(queue.shift()?.order).toBe(order);
    queue.push({ order: 20_001 });
    expect(queue.size).toBe(5_001);
    for (let order = 15_001; order <= 20_001; order++) expect(queue.shift()?.order).toBe(order);
    expect(queue.shift()).toBeUndefined();
  });
});
