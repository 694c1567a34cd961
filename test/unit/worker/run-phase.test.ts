import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { leaseAfter, type LeasePhase, type LeaseStep } from '../../../lib/worker/lease/lease-phase.js';
import { isAwaited, isOpen, phaseAfter, RunPhase, RunStep } from '../../../lib/worker/run-phase.js';

type Phase = keyof typeof RunPhase;
type Step = keyof typeof RunStep;

const PHASES = Object.keys(RunPhase) as Phase[];
const STEPS = Object.keys(RunStep) as Step[];
const nameOf = (phase: RunPhase): Phase => PHASES.find((name) => RunPhase[name] === phase) as Phase;

/** A row for each phase, in the order of the steps; `-`: that does not happen to it. */
const TABLE = `
              admit     join    call     decide  overrun  rescue   settle     leave  abandon
  offered     admitted  joined  -        -       -        -        left       -      -
  joined      -         -       -        -       -        -        -          -      -
  admitted    -         -       running  ending  -        rescued  -          -      abandoned
  running     -         -       -        ending  overdue  rescued  -          -      abandoned
  ending      -         -       -        -       -        rescued  settled    left   abandoned
  overdue     -         -       -        -       -        rescued  settled    left   abandoned
  rescued     -         -       -        -       -        -        settled    left   abandoned
  settled     -         -       -        -       -        settled  -          left   abandoned
  left        -         -       -        -       -        -        -          -      -
  abandoned   -         -       -        -       -        -        abandoned  -      -
`.trim().split('\n').map((line) => line.trim().split(/\s+/));

describe('the phases of a run', () => {
  it('are all in the table below, with all that can happen', () => {
    expect(TABLE[0]).toEqual(STEPS);
    expect(TABLE.slice(1).map(([phase]) => phase)).toEqual(PHASES);
  });

  it.each(TABLE.slice(1).flatMap(([phase, ...after]) => STEPS.map((step, index) => [phase as Phase, step, after[index]] as const)))('%s, %s: %s', (phase, step, expected) => {
    const next = phaseAfter(RunPhase[phase], RunStep[step]);
    expect(next === undefined ? '-' : nameOf(next)).toBe(expected);
  });

  it('are waited for until their end is recorded, or the handler was given up', () => {
    const these = (holds: (phase: RunPhase) => boolean): Phase[] => PHASES.filter((name) => holds(RunPhase[name]));
    expect([these(isOpen), these(isAwaited)]).toEqual([['admitted', 'running'], ['admitted', 'running', 'ending']]);
  });

  /** All that happened to a run, refused or not. */
  const lives = fc.array(fc.constantFrom(...STEPS), { maxLength: 40 });

  function live(steps: readonly Step[]): { phase: RunPhase; done: Step[] } {
    const done: Step[] = [];
    let phase: RunPhase = RunPhase.offered;
    for (const step of steps) {
      const next = phaseAfter(phase, RunStep[step]);
      if (next === undefined) continue;
      done.push(step);
      phase = next;
    }
    return { phase, done };
  }

  it('decide once, free the slot once and settle once, whatever happens in whatever order', () => {
    fc.assert(fc.property(lives, (steps) => {
      const { done } = live(steps);
      const count = (...these: Step[]): number => done.filter((step) => these.includes(step)).length;
      expect(count('decide', 'overrun')).toBeLessThanOrEqual(1);
      expect(count('call')).toBeLessThanOrEqual(1);
      expect(count('leave', 'abandon', 'join')).toBeLessThanOrEqual(1);
      const abandoned = done.indexOf('abandon');
      expect(done.slice(0, abandoned < 0 ? undefined : abandoned).filter((step) => step === 'settle').length).toBeLessThanOrEqual(1);
      // Whatever has a slot was admitted, and no slot is freed before it is known how the run ends.
      if (count('leave') > 0) expect(count('decide', 'overrun', 'rescue')).toBeGreaterThan(0);
    }));
  });

  it('come to an end from wherever they are, by what the worker does by itself', () => {
    fc.assert(fc.property(lives, (steps) => {
      const { phase } = live([...steps, 'decide', 'settle', 'leave']);
      expect(['left', 'abandoned', 'joined']).toContain(nameOf(phase));
    }));
  });
});

describe('the phases of a take-over', () => {
  it.each<[LeasePhase, LeaseStep, LeasePhase | undefined]>([
    ['none', 'take', 'taking'], ['none', 'copied', undefined], ['none', 'fail', undefined],
    ['taking', 'take', undefined], ['taking', 'copied', 'taken'], ['taking', 'fail', 'doubtful'],
    ['doubtful', 'take', 'taking'], ['doubtful', 'copied', undefined], ['doubtful', 'fail', undefined],
    ['taken', 'take', undefined], ['taken', 'copied', undefined], ['taken', 'fail', undefined],
  ])('%s, %s: %s', (phase, step, expected) => {
    expect(leaseAfter(phase, step)).toBe(expected);
  });
});
