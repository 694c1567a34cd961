import { beforeEach, describe, expect, it } from 'vitest';
import { ASKING_FOR_MS, SILENCED_FOR_MS, SilencedTasks } from '../../../../lib/results/replies/silenced-tasks.js';

let clock = 0;
let tasks: SilencedTasks;

const of = (uuid: string, replyTo = 'caller'): { uuid: string; name: string; replyTo: string } => ({ uuid, name: 'n', replyTo });
const silence = (uuid: string, caller = 'caller'): void => tasks.take({ uuid, caller, listening: false });

beforeEach(() => {
  clock = 0;
  tasks = new SilencedTasks(() => clock);
});

describe('tasks that nobody listens to', () => {
  it('are silent until somebody does again', () => {
    silence('u');
    expect([tasks.keepsBack(of('u')), tasks.keepsBack(of('v')), tasks.keepsBack({ uuid: 'u', name: 'n' })]).toEqual([true, false, false]);
    tasks.take({ uuid: 'u', caller: 'caller', listening: true });
    expect([tasks.keepsBack(of('u')), tasks.size]).toEqual([false, 0]);
  });

  it('are silenced by their own caller alone', () => {
    silence('u', 'another');
    expect([tasks.keepsBack(of('u')), tasks.keepsBack(of('u', 'another'))]).toEqual([false, true]);
    tasks.take({ uuid: 'u', caller: 'caller', listening: true });
    expect(tasks.keepsBack(of('u', 'another'))).toBe(true);
    silence('a b', 'c');
    expect(tasks.keepsBack(of('a', 'b c'))).toBe(false);
  });

  it('send one report when their caller has said nothing for a while, and are silent on if it says so again', () => {
    silence('u');
    clock = SILENCED_FOR_MS - 1;
    expect(tasks.keepsBack(of('u'))).toBe(true);
    clock++;
    expect([tasks.keepsBack(of('u')), tasks.keepsBack(of('u'))]).toEqual([false, true]);
    silence('u');
    clock += SILENCED_FOR_MS - 1;
    expect(tasks.keepsBack(of('u'))).toBe(true);
    clock++;
    expect([tasks.keepsBack(of('u')), tasks.keepsBack(of('u'))]).toEqual([false, true]);
  });

  it('speak again if it does not', () => {
    silence('u');
    clock = SILENCED_FOR_MS;
    expect(tasks.keepsBack(of('u'))).toBe(false);
    clock += ASKING_FOR_MS - 1;
    expect(tasks.keepsBack(of('u'))).toBe(true);
    clock++;
    expect([tasks.keepsBack(of('u')), tasks.keepsBack(of('u')), tasks.size]).toEqual([false, false, 0]);
  });

  it('are forgotten at their end', () => {
    silence('u');
    tasks.ended(of('u'));
    tasks.ended({ uuid: 'u', name: 'n' });
    expect(tasks.size).toBe(0);
  });

  it('are 10,000 at most, those that speak again soonest given up first', () => {
    for (let i = 0; i < 10_500; i++) silence(`u${i}`);
    expect([tasks.size, tasks.keepsBack(of('u499')), tasks.keepsBack(of('u500')), tasks.keepsBack(of('u10499'))]).toEqual([10_000, false, true, true]);
    clock = SILENCED_FOR_MS;
    silence('late');
    expect(tasks.size).toBe(1);
  });
});
