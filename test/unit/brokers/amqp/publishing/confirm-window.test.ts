import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfirmWindow } from '../../../../../lib/brokers/amqp/publishing/confirm-window.js';
import { Outgoing } from '../../../../../lib/brokers/amqp/publishing/outgoing.js';

const outgoing = (id: string | undefined, routingKey = 'k'): Outgoing =>
  new Outgoing({ body: Buffer.alloc(0), properties: id === undefined ? {} : { messageId: id } }, 'e', routingKey, Infinity);

describe('ConfirmWindow', () => {
  it('credits every confirm to its own publish, single or multiple, in any order', () => {
    const steps = fc.array(fc.record({ send: fc.nat(12), pick: fc.nat(1000), multiple: fc.boolean(), acked: fc.boolean() }), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (all) => {
        const credited = new Map<number, boolean>();
        const expected = new Map<number, boolean>();
        const window = new ConfirmWindow(16, (one, acked) => credited.set(Number(one.messageId), acked));
        const open = new Set<number>();
        let last = 0;
        for (const { send, pick, multiple, acked } of all) {
          for (let i = 0; i < send && window.inFlight < 16 && window.hasRoom; i++) {
            window.add(outgoing(String(++last)));
            open.add(last);
          }
          const tag = [...open][pick % Math.max(1, open.size)];
          if (tag === undefined) continue;
          for (const one of [...open].filter((other) => other === tag || (multiple && other < tag))) {
            expected.set(one, acked);
            open.delete(one);
          }
          window.confirm(tag, multiple, acked);
          expect(window.inFlight).toBe(open.size);
        }
        expect(credited).toEqual(expected);
        expect(window.unconfirmed().map((one) => Number(one.messageId))).toEqual([...open]);
      }),
    );
  });

  it('says when one old number holds the ring', () => {
    const window = new ConfirmWindow(2, () => undefined);
    let sent = 0;
    for (window.add(outgoing('old')); window.hasRoom; ) {
      window.add(outgoing(String(++sent)));
      window.confirm(sent + 1, false, true);
    }
    expect({ inFlight: window.inFlight, sent }).toEqual({ inFlight: 1, sent: 3 });
    window.confirm(1, false, true);
    expect(window.hasRoom).toBe(true);
  });

  it('ignores a confirm of what it never sent', () => {
    const window = new ConfirmWindow(4, () => undefined);
    window.add(outgoing('a'));
    window.confirm(9, false, true);
    expect(window.inFlight).toBe(1);
  });

  it('finds a returned message by id and address, the first first', () => {
    const window = new ConfirmWindow(8, () => undefined);
    const all = [outgoing('a'), outgoing('b', 'other'), outgoing('b'), outgoing('b'), outgoing(undefined)];
    for (const one of all) window.add(one);
    const first = window.findReturned('b', 'e', 'k');
    expect(first).toBe(all[2]);
    (first as Outgoing).returned = true;
    expect(window.findReturned('b', 'e', 'k')).toBe(all[3]);
    expect(window.findReturned(undefined, 'e', 'k')).toBe(all[4]);
    expect(window.findReturned('c', 'e', 'k')).toBeUndefined();
  });
});
