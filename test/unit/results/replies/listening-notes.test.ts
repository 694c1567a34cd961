import { describe, expect, it } from 'vitest';
import { UnroutableTaskError } from '../../../../lib/index.js';
import { listeningMessage, readListeningNote } from '../../../../lib/results/replies/listening-note.js';
import { ListeningNotes } from '../../../../lib/results/replies/listening-notes.js';
import { ScriptedBroker } from '../../../support/scripted-broker.js';

const note = { uuid: 'u', caller: 'answers', listening: false };

describe('a note of who listens', () => {
  it('is the type of an empty message, with uuid and caller in its properties', () => {
    expect(listeningMessage(note)).toEqual({ body: Buffer.alloc(0), properties: { type: 'dispatcher.unheard', correlationId: 'u', replyTo: 'answers' } });
    expect(listeningMessage({ ...note, listening: true }).properties.type).toBe('dispatcher.heard');
    for (const listening of [true, false]) expect(readListeningNote(listeningMessage({ ...note, listening }))).toEqual({ ...note, listening });
  });

  it('is none without one of them, or of another type', () => {
    const read = (properties: object): unknown => readListeningNote({ body: Buffer.from('x'), properties });
    const { properties } = listeningMessage(note);
    for (const wrong of [{ type: 'dispatcher.report' }, { type: undefined }, { correlationId: undefined }, { correlationId: '' }, { replyTo: undefined }, { replyTo: '' }]) {
      expect(read({ ...properties, ...wrong })).toBeUndefined();
    }
  });

  it('goes to the address of the worker, and is not missed when it does not arrive', async () => {
    const broker = new ScriptedBroker();
    const notes = new ListeningNotes(broker);
    broker.onPublish = () => Promise.reject(new UnroutableTaskError('no such queue'));
    notes.send('worker', note);
    await new Promise((resolve) => { setImmediate(resolve); });
    broker.onPublish = () => Promise.resolve();
    notes.send('worker', note);
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(broker.published).toEqual([{ message: listeningMessage(note), address: { queue: 'worker' }, options: undefined }]);
  });

  it('is left out while a thousand wait for the broker', async () => {
    const broker = new ScriptedBroker();
    const notes = new ListeningNotes(broker);
    let tries = 0;
    let release = (): void => undefined;
    const blocked = new Promise<void>((resolve) => { release = resolve; });
    broker.onPublish = () => { tries++; return blocked; };
    for (let i = 0; i < 1_500; i++) notes.send('worker', note);
    expect(tries).toBe(1_000);
    release();
    await new Promise((resolve) => { setImmediate(resolve); });
    notes.send('worker', note);
    expect(tries).toBe(1_001);
  });
});
