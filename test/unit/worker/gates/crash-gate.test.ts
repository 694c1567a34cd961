import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type DispatcherError, ResultBackendRefusedError, ResultBackendUnavailableError } from '../../../../lib/errors.js';
import { createResultBackend } from '../../../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../../../lib/state/state-backend.js';
import { Header } from '../../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../../lib/task/task.js';
import { cameBack } from '../../../../lib/worker/came-back.js';
import { CrashGate } from '../../../../lib/worker/gates/crashes/crash-gate.js';
import { OnceGate } from '../../../../lib/worker/gates/once/once-gate.js';
import type { TaskEnd, TaskVisit } from '../../../../lib/worker/gates/task-gate.js';

const SUCCEEDED: TaskEnd = { kind: 'succeeded', value: 1 };
const RETURNED: TaskEnd = { kind: 'returned' };
const RETRYING: TaskEnd = { kind: 'retrying', attempt: 2, delayMs: 0, error: new Error('no') };
const BURIED: TaskEnd = { kind: 'failed', reason: 'crash-loop', error: new Error('no') };
const LOOK_MS = 10_000;

let backend: StateBackend;
let refusals: DispatcherError[];
/** Of the backend itself. */
let itsTimers: number;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  backend = createResultBackend('embedded:');
  await backend.connect();
  refusals = [];
  itsTimers = vi.getTimerCount();
});

afterEach(async () => {
  await backend.close(1_000);
  vi.clearAllTimers();
  vi.useRealTimers();
});

/** A process: when it is killed, nobody leaves its gate. */
function aProcess(over: () => Promise<StateBackend> = () => Promise.resolve(backend), maxRedeliveries = 2): CrashGate {
  return new CrashGate(over, { maxRedeliveries, lookMs: LOOK_MS, onRefusal: (error) => refusals.push(error) });
}

function visit(headers: TaskHeaders = {}, attempt = 1): TaskVisit {
  return { uuid: 'u', name: 'a', args: [], headers, attempt, queue: 'q', worker: 'w', redelivered: true };
}

const kindOf = async (gate: CrashGate, of = visit()): Promise<string> => (await gate.enter(of)).kind;

/** Begun, and its process died. */
async function crash(headers?: TaskHeaders): Promise<void> {
  expect(await kindOf(aProcess(), visit(headers))).toBe('run');
  vi.clearAllTimers();
}

async function run(end: TaskEnd, gate = aProcess()): Promise<void> {
  const of = visit();
  expect(await kindOf(gate, of)).toBe('run');
  await gate.leave(of, end);
}

/** Lets those that live look, and their answers arrive. */
async function look(): Promise<void> {
  vi.advanceTimersByTime(LOOK_MS);
  for (let turns = 0; turns < 20; turns++) await new Promise((resolve) => { setImmediate(resolve); });
}

describe('a task that came back', () => {
  it('is no concern on its first delivery, nor without a uuid', () => {
    expect(aProcess().concerns({ ...visit(), redelivered: false })).toBe(false);
    expect(aProcess().concerns({ ...visit(), uuid: '' })).toBe(false);
    expect(aProcess().concerns(visit())).toBe(true);
  });

  it('may come back as often as it likes while its runs say how they ended', async () => {
    for (let times = 0; times < 30; times++) await run(RETURNED);
    await run(SUCCEEDED);
    expect(vi.getTimerCount()).toBe(itsTimers);
  });

  it('is buried once more of its runs crashed than may, and those that live had time to object', async () => {
    for (let crashes = 0; crashes < 3; crashes++) await crash();
    expect(await aProcess().enter(visit())).toMatchObject({ kind: 'wait', delayMs: 1.5 * LOOK_MS });
    const burying = aProcess();
    const last = visit();
    expect(await burying.enter(last)).toMatchObject({ kind: 'bury', reason: 'crash-loop', error: { code: 'ERR_DISPATCHER_CRASH_LOOP', fields: { task: 'a', uuid: 'u', count: 3 } } });
    // It is its process that dies before the acknowledgement.
    await burying.leave(last, BURIED);
    expect(await kindOf(aProcess())).toBe('bury');
  });

  it('is one too where a copy stands for it because it ran for long', async () => {
    const once = new OnceGate(() => Promise.resolve(backend));
    const original: TaskVisit = { ...visit(), redelivered: false };
    const headers = await once.lease({ ...original, leased: true });
    const copy: TaskVisit = { ...original, headers, redelivered: cameBack({ redelivered: false, properties: { headers } }) };
    expect(aProcess().concerns(copy)).toBe(true);
    for (let crashes = 0; crashes < 3; crashes++) {
      // Each time it was taken over again before its process died.
      expect(await kindOf(aProcess(), copy)).toBe('run');
      expect((await once.lease({ ...copy, leased: true }))[Header.redeliveries]).toBe(1);
      vi.clearAllTimers();
    }
    expect(await kindOf(aProcess(), copy)).toBe('wait');
    expect(await kindOf(aProcess(), copy)).toBe('bury');
  });

  it('keeps its crashes when it is given back in between', async () => {
    for (let crashes = 0; crashes < 3; crashes++) {
      await crash();
      if (crashes < 2) await run(RETURNED);
    }
    // Each of those that were given back had taken over one that crashed, and was no crash itself.
    await run(RETURNED, aProcess(undefined, 3));
    expect(await kindOf(aProcess())).toBe('bury');
  });

  it.each([['its end', SUCCEEDED], ['its next attempt', RETRYING]])('starts anew after %s', async (_, end) => {
    for (let rounds = 0; rounds < 3; rounds++) {
      for (let crashes = 0; crashes < 2; crashes++) await crash();
      await run(end);
    }
  });

  it('starts anew when its dead letter is replayed', async () => {
    for (let crashes = 0; crashes < 3; crashes++) await crash();
    await crash({ [Header.replays]: 1 });
    expect(await kindOf(aProcess(), visit({ [Header.replays]: 1 }))).toBe('run');
    expect(await kindOf(aProcess(), visit({}, 2))).toBe('run');
  });
});

describe('a process that lost its connection and lives', () => {
  it('takes back what was charged when its run ends', async () => {
    const lives: { gate: CrashGate; of: TaskVisit }[] = [];
    for (let cuts = 0; cuts < 12; cuts++) {
      const [gate, of] = [aProcess(), visit()];
      expect(await kindOf(gate, of)).toBe('run');
      lives.unshift({ gate, of });
      // Each that was taken over ends before the next cut.
      for (const late of lives.splice(1)) await late.gate.leave(late.of, SUCCEEDED);
    }
  });

  it('takes it back while its run goes on, as soon as it has looked', async () => {
    for (let cuts = 0; cuts < 12; cuts++) {
      expect(await kindOf(aProcess())).toBe('run');
      await look();
    }
  });

  it('saves a task for which it seemed to be too late', async () => {
    const lives = aProcess();
    expect(await kindOf(lives)).toBe('run');
    for (let crashes = 0; crashes < 2; crashes++) expect(await kindOf(aProcess())).toBe('run');
    expect(await kindOf(aProcess())).toBe('wait');
    await look();
    expect(await kindOf(aProcess())).toBe('run');
  });

  it('leaves the count of others alone, and the record of whoever runs it now', async () => {
    const late = visit();
    const lives = aProcess();
    expect(await kindOf(lives, late)).toBe('run');
    await crash();
    const now = visit();
    const running = aProcess();
    expect(await kindOf(running, now)).toBe('run');
    await lives.leave(late, SUCCEEDED);
    await running.leave(now, RETURNED);
    // One crash is left of three runs; two more may follow.
    await crash();
    await crash();
    expect(await kindOf(aProcess())).toBe('wait');
  });
});

describe('what is shared', () => {
  it('away, has the task wait, and what may have been written is taken back', async () => {
    const away = new ResultBackendUnavailableError('away', {});
    const losing: StateBackend = Object.create(backend, { setIfAbsent: { value: async (key: string, value: Buffer) => {
      await backend.setIfAbsent(key, value, { expiresInMs: 1_000 });
      throw away;
    } } }) as StateBackend;
    const gate = aProcess(() => Promise.resolve(losing));
    for (let times = 0; times < 5; times++) {
      const of = visit();
      await expect(gate.enter(of)).rejects.toBe(away);
      await gate.leave(of, RETURNED);
    }
    expect(await backend.get('crashes:u:0:1')).toBeUndefined();
  });

  it('refusing, keeps nothing from running, and is reported once', async () => {
    const refusal = new ResultBackendRefusedError('no', {});
    const gate = aProcess(() => Promise.reject(refusal));
    await run(SUCCEEDED, gate);
    await run(SUCCEEDED, gate);
    expect(refusals).toEqual([refusal]);
  });

  it('holding what is no record, is written anew', async () => {
    await backend.set('crashes:u:0:1', Buffer.from('foreign'), { expiresInMs: 60_000 });
    await run(SUCCEEDED);
    expect(await backend.get('crashes:u:0:1')).toBeUndefined();
  });

  it.each(['reached', 'answering'])('slow in being %s, has nothing left of a run that was given up meanwhile', async (at) => {
    let answer = (): void => undefined;
    const slow = new Promise<void>((resolve) => { answer = resolve; });
    const late: StateBackend = Object.create(backend, { setIfAbsent: { value: async (...args: Parameters<StateBackend['setIfAbsent']>) => {
      if (at === 'answering') await slow;
      return backend.setIfAbsent(...args);
    } } }) as StateBackend;
    const gate = aProcess(async () => { if (at === 'reached') await slow; return late; });
    const of = visit();
    const entering = gate.enter(of);
    const leaving = gate.leave(of, RETURNED);
    if (at === 'answering') await leaving;
    answer();
    await Promise.all([entering, leaving]);
    expect([await backend.get('crashes:u:0:1'), vi.getTimerCount()]).toEqual([undefined, itsTimers]);
  });
});

describe('the innocent beside the guilty', () => {
  const of = (uuid: string): TaskVisit => ({ ...visit(), uuid });

  /** Begun side by side, and their process died. */
  async function crashTogether(...uuids: string[]): Promise<void> {
    const gate = aProcess(undefined, 4);
    for (const uuid of uuids) await gate.enter(of(uuid));
    vi.clearAllTimers();
  }

  it('runs beside it only until both are suspected', async () => {
    // The first is no crash that was seen; two are half of the four that are allowed.
    for (let n = 0; n < 3; n++) await crashTogether('guilty', 'innocent');
    const gate = aProcess(undefined, 4);
    expect(await kindOf(gate, of('guilty'))).toBe('run');
    expect(await gate.enter(of('innocent'))).toMatchObject({ kind: 'wait', reason: expect.stringMatching(/one at a time/) as string });
    // Somewhere else it can run, and end.
    const other = aProcess(undefined, 4);
    const innocent = of('innocent');
    expect(await kindOf(other, innocent)).toBe('run');
    await other.leave(innocent, SUCCEEDED);
    expect(await backend.get('crashes:innocent:0:1')).toBeUndefined();
  });

  it.each([RETURNED, RETRYING, SUCCEEDED])('lets the next one in when the one before is $kind', async (end) => {
    for (let n = 0; n < 3; n++) await crashTogether('a', 'b');
    const gate = aProcess(undefined, 4);
    const first = of('a');
    expect(await kindOf(gate, first)).toBe('run');
    const second = of('b');
    expect(await kindOf(gate, second)).toBe('wait');
    await gate.leave(second, RETURNED);
    expect(await kindOf(gate, of('b'))).toBe('wait');
    await gate.leave(first, end);
    expect(await kindOf(gate, of('b'))).toBe('run');
  });

  it('keeps nobody out whose own process has not been seen to crash so often', async () => {
    for (let n = 0; n < 3; n++) await crashTogether('guilty');
    await crashTogether('once');
    const gate = aProcess(undefined, 4);
    expect(await kindOf(gate, of('guilty'))).toBe('run');
    expect(await kindOf(gate, of('once'))).toBe('run');
    expect(await kindOf(gate, of('new'))).toBe('run');
  });

  it('is let go by a run that cannot say how it ended', async () => {
    for (let n = 0; n < 3; n++) await crashTogether('a', 'b');
    let isAway = false;
    const gate = aProcess(() => (isAway ? Promise.reject(new ResultBackendUnavailableError('away')) : Promise.resolve(backend)), 4);
    const first = of('a');
    expect(await kindOf(gate, first)).toBe('run');
    isAway = true;
    await expect(gate.leave(first, RETURNED)).rejects.toThrow('away');
    isAway = false;
    expect(await kindOf(gate, of('b'))).toBe('run');
  });
});
