import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WaitingLine } from '../../../../../lib/brokers/amqp/publishing/waiting-line.js';

it('WaitingLine behaves as an array does', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('push' as const), count: fc.nat(300) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant('shift' as const), count: fc.nat(300) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('putBack' as const), count: fc.nat(5) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const line = new WaitingLine<number>();
      const model: number[] = [];
      let next = 0;
      for (const { kind, count } of steps) {
        if (kind === 'putBack') {
          const items = Array.from({ length: count }, () => next++);
          line.putBack(items);
          model.unshift(...items);
        } else {
          for (let i = 0; i < count; i++) {
            if (kind === 'push') {
              line.push(next);
              model.push(next++);
            } else expect(line.shift()).toBe(model.shift());
          }
        }
        expect([line.length, line.first()]).toEqual([model.length, model[0]]);
      }
      expect(line.takeAll()).toEqual(model);
      expect(line.length).toBe(0);
    }),
  );
});
