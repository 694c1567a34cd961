import { describe, expect, it, onTestFinished } from 'vitest';
import type { EmbeddedBroker } from '../../../lib/brokers/embedded/embedded-broker.js';
import { failureNoteQueue, FailureNotes } from '../../../lib/control/failure-notes.js';
import { memoryBroker } from '../../support/memory-broker.js';
import { Arrivals } from '../../support/wait.js';

const [ONE, OTHER] = ['0123456789abcdef', 'fedcba9876543210'];

function notesOn(broker: EmbeddedBroker): { notes: FailureNotes; changes: Arrivals<true> } {
  const changes = new Arrivals<true>();
  const notes = new FailureNotes(broker, 'e', { changed: () => changes.add(true), problem: () => undefined });
  onTestFinished(() => notes.stop());
  return { notes, changes };
}

describe('notes on failures', () => {
  it('cost nothing before the first, and are seen by all from then on', async () => {
    const broker = await memoryBroker();
    const [here, there] = [notesOn(broker), notesOn(broker)];
    expect(await there.notes.known()).toEqual(new Map());
    expect(await broker.depth(failureNoteQueue('e'))).toBeUndefined();
    await here.notes.write({ group: ONE, text: 'known', by: 'ann', at: 1 });
    await here.notes.write({ group: ONE, text: 'mended on Friday', by: 'bob', at: 2 });
    await here.notes.write({ group: OTHER, text: 'ours', by: 'ann', at: 3 });
    const expected = [[ONE, { text: 'mended on Friday', by: 'bob', at: 2 }], [OTHER, { text: 'ours', by: 'ann', at: 3 }]];
    expect([...await here.notes.known()]).toEqual(expected);
    let seen: unknown[] = [];
    while (seen.length < 2) {
      await there.changes.count(there.changes.all.length + 1);
      seen = [...await there.notes.known()];
    }
    expect(seen).toEqual(expected);
    expect(await broker.depth(failureNoteQueue('e'))).toBe(2);
    expect([await here.notes.has(ONE), await here.notes.remove(ONE), await here.notes.remove(ONE), await here.notes.has(ONE)]).toEqual([true, true, false, false]);
    expect([...(await here.notes.known()).keys()]).toEqual([OTHER]);
  });

  it('are of a group and say something', async () => {
    const { notes } = notesOn(await memoryBroker());
    const note = { group: ONE, text: 'x', by: 'ann', at: 1 };
    await expect(notes.write({ ...note, group: 'mail' })).rejects.toThrow('named by its id');
    await expect(notes.write({ ...note, text: '' })).rejects.toThrow('1 to 2000');
    await expect(notes.remove('')).rejects.toThrow('named by its id');
  });
});
