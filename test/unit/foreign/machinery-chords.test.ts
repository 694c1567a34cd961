import { describe, expect, it, onTestFinished } from 'vitest';
import { machineryGroup, machineryState, readMachineryGroup, writeMachineryGroup, writeMachineryState } from '../../../lib/formats/machinery/task-state.js';
import { KeyedMachineryStore } from '../../../lib/foreign/machinery/keyed-machinery-store.js';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import { uniqueName } from '../../support/shared-rabbitmq.js';

const EXPIRY = { expiresInMs: 60_000 };
const MUTEX = 'TriggerChordMutex';

async function start(members: readonly string[]) {
  const url = `embedded:#${uniqueName('chords')}`;
  const open = async () => {
    const backend = createResultBackend(url);
    await backend.connect();
    onTestFinished(() => backend.close(1_000));
    return backend;
  };
  const backend = await open();
  const store = new KeyedMachineryStore(await open(), { ...EXPIRY, mutex: MUTEX });
  await store.initGroup(machineryGroup('group', members, 0));
  const write = (uuid: string, state: 'STARTED' | 'SUCCESS' | 'FAILURE') => store.write([machineryState({ uuid, name: 'add' }, state)]);
  const group = async () => readMachineryGroup(await backend.get('group') as Buffer);
  const complete = (uuid: string) => store.complete({ uuid, group: 'group', count: members.length, state: machineryState({ uuid, name: 'add' }, 'SUCCESS') });
  return { backend, store, write, group, complete };
}

describe('a group of machinery that is complete', () => {
  it('is for one member to deal with, until it has: also when its process dies in between', async () => {
    const { write, complete, group } = await start(['a', 'b']);
    await write('a', 'SUCCESS');
    expect(await complete('a')).toEqual({ kind: 'pending' });
    await write('b', 'SUCCESS');
    const mine = await complete('b');
    expect(mine).toMatchObject({ kind: 'mine', states: [{ TaskUUID: 'a' }, { TaskUUID: 'b' }] });
    expect(await group()).toMatchObject({ ChordTriggered: true, DispatcherTriggeredBy: 'b' });
    // `a` comes back, late.
    expect(await complete('a')).toEqual({ kind: 'others' });
    // The worker of `b` has died before it could send anything, and `b` is run again.
    await write('b', 'STARTED');
    expect(await complete('b')).toEqual({ kind: 'pending' });
    await write('b', 'SUCCESS');
    const again = await complete('b');
    if (again.kind !== 'mine') throw new Error(`"b" was told ${again.kind}`);
    await again.sent();
    expect(await group()).toEqual({ ...machineryGroup('group', ['a', 'b'], 0), ChordTriggered: true });
    // Dead after that, it sends nothing once more.
    expect(await complete('b')).toEqual({ kind: 'others' });
  });

  it('is left to a worker in Go that has said that it sends the callback', async () => {
    const { backend, write, complete } = await start(['a']);
    await write('a', 'SUCCESS');
    await backend.set('group', writeMachineryGroup({ ...machineryGroup('group', ['a'], 0), ChordTriggered: true }), EXPIRY);
    expect(await complete('a')).toEqual({ kind: 'others' });
  });

  it('waits while a worker in Go holds the lock, and sees then what it did', async () => {
    const { backend, write, complete } = await start(['a']);
    await write('a', 'SUCCESS');
    const token = Buffer.from('go');
    await backend.setIfAbsent(MUTEX, token, EXPIRY);
    const completing = complete('a');
    await backend.set('group', writeMachineryGroup({ ...machineryGroup('group', ['a'], 0), ChordTriggered: true }), EXPIRY);
    await backend.deleteIfEqual(MUTEX, token);
    expect(await completing).toEqual({ kind: 'others' });
    expect(await backend.get(MUTEX)).toBe(undefined);
  });

  it('goes to one of many that end at once', async () => {
    const members = Array.from({ length: 20 }, (_, index) => `m${index}`);
    const { write, complete } = await start(members);
    const ends = await Promise.all(members.map(async (uuid) => {
      await write(uuid, 'SUCCESS');
      return complete(uuid);
    }));
    expect(ends.filter(({ kind }) => kind === 'mine')).toHaveLength(1);
  });

  it('of which nothing is kept any more is gone', async () => {
    const { backend, complete } = await start(['a']);
    await backend.delete('group');
    expect(await complete('a')).toEqual({ kind: 'gone' });
  });

  it('keeps when a task was sent, and lets a later "pending" change nothing', async () => {
    const { store, write, backend } = await start(['a']);
    await store.setPending(machineryState({ uuid: 'a', name: 'add' }, 'PENDING', { CreatedAt: '2026-01-01T00:00:00Z' }));
    await write('a', 'SUCCESS');
    await store.setPending(machineryState({ uuid: 'a', name: 'add' }, 'PENDING', { CreatedAt: '2027-01-01T00:00:00Z' }));
    expect((await backend.get('a'))?.toString()).toBe(writeMachineryState(machineryState({ uuid: 'a', name: 'add' }, 'SUCCESS', { CreatedAt: '2026-01-01T00:00:00Z' })).toString());
  });
});
