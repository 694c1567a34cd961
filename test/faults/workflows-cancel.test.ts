import { describe, expect, it } from 'vitest';
import { pause } from '../support/wait.js';
import type { WorkflowNote } from './apps/workflow-protocol.js';
import { PLACES, stage } from './workflow-stage.js';

const FULL = process.env.DISPATCHER_FAULTS === 'full';
const ROUNDS = FULL ? 40 : 5;
/** Of each workflow so many steps run, on two workers, and as many wait. */
const RUNNING = 6;

type Kind<K extends WorkflowNote['kind']> = Extract<WorkflowNote, { kind: K }>;

describe.concurrent.each(PLACES)('cancelling workflows on $title', (place) => {
  it(`stops what runs of ${ROUNDS} workflows, though who cancels is killed meanwhile, when somebody cancels again`, async () => {
    const { config } = await place.start();
    const { notes, publisher, startPublisher } = await stage(config, 2, RUNNING / 2);
    const of = <K extends WorkflowNote['kind']>(kind: K): Kind<K>[] => notes.all.filter((note): note is Kind<K> => note.kind === kind);
    const about = (kind: 'held' | 'asked', number: number): number => of(kind).filter((note) => note.number === number).length;
    const stopped = { bySecond: 0, byFirst: 0 };
    for (let number = 0; number < ROUNDS; number++) {
      const victim = startPublisher();
      await victim.started();
      publisher.tell({ do: 'hold', number, members: RUNNING });
      const { uuid } = await notes.first((note) => note.kind === 'accepted' && note.number === number, 'the workflow') as Kind<'accepted'>;
      await notes.until(() => about('held', number) === RUNNING, 60_000, () => `${RUNNING} running steps of workflow ${number}; there are ${about('held', number)}`);
      victim.tell({ do: 'cancel', uuid, reason: 'first' });
      await pause(Math.random() * 60);
      await victim.kill9();
      // What it has begun may still arrive.
      await pause(300);
      const before = about('asked', number);
      publisher.tell({ do: 'cancel', uuid, reason: 'second' });
      await notes.until(() => about('asked', number) === RUNNING, 60_000, () => `all steps of workflow ${number} to be asked to stop; ${about('asked', number)} were, ${before} of them before it was cancelled again`);
      stopped[before === 0 ? 'bySecond' : 'byFirst']++;
    }
    const reasons = of('asked').map(({ text }) => /Its workflow was cancelled: (first|second)$/.exec(text)?.[1]);
    console.log(`[ledger] ${place.title}: ${ROUNDS} cancellers killed; running steps were stopped by the first call ${stopped.byFirst} times, by the second ${stopped.bySecond} times, `
      + `for the reason of the first ${reasons.filter((reason) => reason === 'first').length / RUNNING} times, of the second ${reasons.filter((reason) => reason === 'second').length / RUNNING} times`);
    expect(reasons.filter((reason) => reason === undefined)).toEqual([]);
    // Those that waited never started, and nothing followed.
    expect([of('held').length, of('asked').length, of('callback').length]).toEqual([ROUNDS * RUNNING, ROUNDS * RUNNING, 0]);
  }, FULL ? 600_000 : 240_000);
});
