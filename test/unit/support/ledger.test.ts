import { describe, expect, it } from 'vitest';
import { Ledger } from '../../support/ledger.js';

describe('Ledger', () => {
  it('calls lost what was accepted and neither finished nor died, in whatever order it was booked', () => {
    const ledger = new Ledger();
    ledger.add({ kind: 'accepted', uuid: 'a' });
    ledger.add({ kind: 'finished', uuid: 'b' });
    ledger.add({ kind: 'accepted', uuid: 'b' });
    ledger.add({ kind: 'accepted', uuid: 'c' });
    ledger.add({ kind: 'dead', uuid: 'c', reason: 'failed' });
    expect(ledger.lost()).toEqual(['a']);
    ledger.add({ kind: 'started', uuid: 'a' });
    expect(ledger.lost()).toEqual(['a']);
    ledger.add({ kind: 'finished', uuid: 'a' });
    expect(ledger.lost()).toEqual([]);
  });

  it('calls invented what nobody offered, and counts duplicates', async () => {
    const ledger = new Ledger();
    await ledger.offer('refused', () => Promise.reject(new Error('no')));
    for (const uuid of ['refused', 'ghost', 'ghost']) ledger.add({ kind: 'finished', uuid });
    expect(ledger.invented()).toEqual(['ghost']);
    expect(ledger.duplicates()).toEqual(['ghost']);
    expect(ledger.lost()).toEqual([]);
  });

  it('waits until the account is settled, and says how it stands when it is not', async () => {
    const ledger = new Ledger();
    ledger.add({ kind: 'accepted', uuid: 'a' });
    await expect(ledger.settled(10)).rejects.toThrow(/accepted 1, .*lost 1 \(a/);
    const settled = ledger.settled(1000);
    ledger.addLine('not an entry');
    ledger.addLine('{"kind":"finished","uuid":"a"}');
    await settled;
  });
});
