import { describe, expect, it } from 'vitest';
import { pause } from '../support/wait.js';
import { uuidOf } from '../../lib/workflows/workflow-header.js';
import type { Started, WorkflowNote } from './apps/workflow-protocol.js';
import { PLACES, stage, type Stage, type Victim } from './workflow-stage.js';

/** All of it takes a quarter of an hour: `DISPATCHER_FAULTS=full`. */
const FULL = process.env.DISPATCHER_FAULTS === 'full';
const CHORDS = FULL ? 500 : 40;
const STEPS = FULL ? 50 : 8;
const MEMBERS = 20;
const LIMIT_MS = FULL ? 1_200_000 : 240_000;

/** Somebody dies every few seconds, by turns, until the promise is settled. */
async function killMeanwhile(work: Promise<unknown>, { workers, startWorker }: Stage, servers: readonly Victim[]): Promise<string> {
  const state = { over: false };
  const killed = new Map<string, number>([['workers', 0]]);
  const count = (what: string): unknown => killed.set(what, (killed.get(what) ?? 0) + 1);
  void work.catch(() => undefined).finally(() => { state.over = true; });
  for (let turn = 0; !state.over; turn++) {
    await Promise.race([work.catch(() => undefined), pause(1_500 + Math.random() * 2_000)]);
    if (state.over) break;
    const server = turn % 3 === 1 ? servers[Math.floor(turn / 3) % servers.length] : undefined;
    if (server === undefined) {
      await workers.shift()?.kill9();
      const next = startWorker();
      workers.push(next);
      // On a slow machine kills would else come faster than starts, and nobody would be left to do the work.
      await next.started();
      count('workers');
    } else {
      await server.kill9();
      await server.start();
      count(server.name);
    }
  }
  await Promise.all(workers.map((app) => app.started()));
  return `killed: ${[...killed].map(([what, times]) => `${what} ${times}`).join(', ')}`;
}

describe.concurrent.each(PLACES)('workflows on $title', (place) => {
  it.sequential(`${CHORDS} chords start each callback once, with the right results, whoever is killed`, async () => {
    const { config, servers } = await place.start();
    const acting = await stage(config, 3, 20);
    const { notes, publisher } = acting;
    const accepted = new Map<number, string>();
    /** By uuid: that of a callback follows from its workflow's. */
    const callbacks = new Map<string, Started[]>();
    const missing = new Set<string>();
    const count = { members: 0, again: 0, rejected: 0 };
    let seen = 0;
    /** Notes are only ever added: each is looked at once. */
    const isDone = (): boolean => {
      for (; seen < notes.all.length; seen++) book(notes.all[seen] as WorkflowNote);
      return accepted.size === CHORDS && missing.size === 0;
    };
    const book = (note: WorkflowNote): void => {
      if (note.kind === 'accepted') {
        const callback = uuidOf({ workflow: note.uuid, path: '0.1' });
        accepted.set(note.number, callback);
        if (!callbacks.has(callback)) missing.add(callback);
      }
      else if (note.kind === 'rejected') count.rejected++;
      else if (note.kind === 'callback') {
        callbacks.set(note.uuid, [...callbacks.get(note.uuid) ?? [], note]);
        missing.delete(note.uuid);
      }
      else if (note.kind === 'member') count[note.redelivered ? 'again' : 'members']++;
    };
    const done = notes.until(isDone, LIMIT_MS, () => `${CHORDS} callbacks; accepted ${accepted.size}, not called back ${missing.size}`);
    publisher.tell({ do: 'chords', count: CHORDS, members: MEMBERS, window: 4, pauseMs: 800 });
    const killed = await killMeanwhile(done, acting, servers);
    await done;
    isDone();
    const all = [...callbacks.values()].flat();
    const first = all.filter(({ redelivered }) => !redelivered);
    console.log(`[ledger] ${place.title}: ${killed}; chords accepted ${accepted.size}, rejected ${count.rejected}, members started ${count.members} (and ${count.again} again after a death), `
      + `callbacks started ${first.length} (and ${all.length - first.length} again after a death)`);
    const right = (number: number): number[] => Array.from({ length: MEMBERS }, (_, index) => number * 1000 + index);
    expect(all.filter(({ number, results }) => JSON.stringify(results) !== JSON.stringify(right(number)))).toEqual([]);
    // One that died before its callback had said anything starts a second time as the first that is heard of.
    const twice = [...callbacks].filter(([, started]) => started.filter(({ redelivered }) => !redelivered).length > 1);
    expect(twice).toEqual([]);
  }, LIMIT_MS + 120_000);

  it.sequential(`a chain of ${STEPS} steps completes though the worker of each is killed`, async () => {
    const { config } = await place.start();
    const { notes, publisher, workers, startWorker } = await stage(config, 3, 1);
    publisher.tell({ do: 'chain', steps: STEPS });
    for (let step = 0; step < STEPS; step++) {
      const note = await notes.first((one) => one.kind === 'step' && one.number === step, `step ${step}`, 60_000) as Started;
      // Before, while and after it ends.
      await pause(Math.random() * 30);
      const index = workers.findIndex(({ pid }) => pid === note.pid);
      const [victim] = index < 0 ? [] : workers.splice(index, 1, startWorker());
      await victim?.kill9();
    }
    // What the last step returned comes when it has ended; until then it may have been killed.
    await notes.first((one) => one.kind === 'step' && one.number === STEPS - 1, 'the last step', 60_000);
    const steps = notes.all.filter((note): note is Started => note.kind === 'step');
    const first = steps.filter(({ redelivered }) => !redelivered);
    console.log(`[ledger] ${place.title}: chain of ${STEPS} steps, a worker killed at each; steps started ${first.length} (and ${steps.length - first.length} again after a death)`);
    expect(new Set(steps.map(({ uuid }) => uuid)).size).toBe(STEPS);
    expect([...new Set(steps.map(({ number }) => number))].sort((a, b) => a - b)).toEqual(Array.from({ length: STEPS }, (_, index) => index));
    expect(first.length).toBeLessThanOrEqual(STEPS);
  }, LIMIT_MS);
});
