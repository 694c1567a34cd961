import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createResultBackend } from '../../../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../../../lib/state/state-backend.js';
import { Header } from '../../../../lib/task/headers.js';
import { onceHeaders, onceSeconds } from '../../../../lib/task/once.js';
import type { TaskHeaders } from '../../../../lib/task/task.js';
import { OnceGate } from '../../../../lib/worker/gates/once/once-gate.js';
import type { TaskEnd, TaskVisit } from '../../../../lib/worker/gates/task-gate.js';

const SUCCEEDED: TaskEnd = { kind: 'succeeded', value: 1 };
const FAILED: TaskEnd = { kind: 'failed', reason: 'failed', error: new Error('no') };

let backend: StateBackend;
/** Of the process that is asked; each process may have its own. */
let clocks: { wall: number; own: number };
let here: OnceGate;
let there: OnceGate;
/** Of the backend itself. */
let itsTimers: number;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  backend = createResultBackend('embedded:');
  await backend.connect();
  itsTimers = vi.getTimerCount();
  clocks = { wall: 1_000_000, own: 0 };
  [here, there] = [gate(), gate()];
});

afterEach(async () => {
  await backend.close(1_000);
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function gate(over: StateBackend = backend, aheadMs = 0): OnceGate {
  return new OnceGate(() => Promise.resolve(over), undefined, { now: () => clocks.wall + aheadMs, monotonic: () => clocks.own });
}

function visit(attempt = 1, headers: TaskHeaders = {}): TaskVisit {
  return { uuid: 'u', name: 'a', args: [], headers: { ...onceHeaders(), ...headers }, attempt, queue: 'q', worker: 'w', redelivered: false };
}

function pass(milliseconds: number): void {
  clocks.wall += milliseconds;
  clocks.own += milliseconds;
}

const kindOf = async (at: OnceGate, of: TaskVisit): Promise<string> => (await at.enter(of)).kind;

async function runs(at: OnceGate, attempt = 1, headers: TaskHeaders = {}): Promise<TaskVisit> {
  const run = visit(attempt, headers);
  expect(await kindOf(at, run)).toBe('run');
  return run;
}

/** Its process is gone: nothing renews the claim, and nobody leaves. */
function killed(): void {
  vi.clearAllTimers();
}

describe('a task that is to start once', () => {
  it('has nothing to do with the gate unless it says so', () => {
    expect(here.concerns({ ...visit(), headers: {} })).toBe(false);
    expect(here.concerns(visit())).toBe(true);
  });

  it('runs once of any number of copies that come at the same time, and of those that come later none', async () => {
    const copies = Array.from({ length: 20 }, () => ({ gate: gate(), visit: visit() }));
    const kinds = await Promise.all(copies.map((copy) => kindOf(copy.gate, copy.visit)));
    expect(kinds.filter((kind) => kind === 'run')).toHaveLength(1);
    expect(kinds.filter((kind) => kind === 'wait')).toHaveLength(19);
    await Promise.all(copies.map((copy, index) => copy.gate.leave(copy.visit, kinds[index] === 'run' ? SUCCEEDED : { kind: 'returned' })));
    expect(await kindOf(there, visit())).toBe('drop');
  });

  it('runs again at once where the very copy that ran comes back, as from a worker that died', async () => {
    await runs(here, 1, { [Header.copy]: 'first' });
    killed();
    expect(await kindOf(there, visit(1, { [Header.copy]: 'first' }))).toBe('wait');
    expect(await kindOf(there, { ...visit(1, { [Header.copy]: 'second' }), redelivered: true })).toBe('wait');
    expect(await kindOf(there, { ...visit(), redelivered: true })).toBe('wait');
    const back = { ...visit(1, { [Header.copy]: 'first' }), redelivered: true };
    expect(await kindOf(there, back)).toBe('run');
    await there.leave(back, SUCCEEDED);
    expect(await kindOf(here, back)).toBe('drop');
  });

  it('is dropped also after it failed, expired or was called off, in here or before', async () => {
    await here.leave(await runs(here), FAILED);
    expect(await kindOf(there, visit())).toBe('drop');
    await backend.delete('once:u');
    await here.leave(visit(), { kind: 'expired' });
    expect(await kindOf(there, visit())).toBe('drop');
  });

  it('is over, and nothing goes on renewing it, where another gate drops it that it was let pass to', async () => {
    await here.leave(await runs(here), { kind: 'dropped' });
    expect(vi.getTimerCount()).toBe(itsTimers);
    expect(await kindOf(there, visit())).toBe('drop');
  });

  it('is not ended by a copy that never ran, while another runs', async () => {
    const run = await runs(here);
    await there.leave(visit(), FAILED);
    await here.leave(run, { kind: 'retrying', attempt: 2, delayMs: 1, error: new Error('no') });
    await runs(there, 2);
    killed();
  });

  it('runs its next attempt, and drops copies of the attempts before', async () => {
    await here.leave(await runs(here), { kind: 'retrying', attempt: 2, delayMs: 1, error: new Error('no') });
    expect(await kindOf(there, visit(1))).toBe('drop');
    const second = await runs(there, 2);
    expect(await kindOf(here, visit(2))).toBe('wait');
    await there.leave(second, SUCCEEDED);
    expect(await kindOf(here, visit(2))).toBe('drop');
  });

  it('runs elsewhere at once when it was given back', async () => {
    await here.leave(await runs(here), { kind: 'returned' });
    await there.leave(await runs(there), SUCCEEDED);
  });

  it('runs anew for each replay of its dead letter, once', async () => {
    await here.leave(await runs(here), FAILED);
    const replayed = { [Header.replays]: 1 };
    await here.leave(await runs(here, 1, replayed), SUCCEEDED);
    expect(await kindOf(there, visit(1, replayed))).toBe('drop');
    expect(await kindOf(there, visit(1))).toBe('drop');
  });
});

describe('the claim of a worker', () => {
  it('that died is taken over after a lease, whatever the clocks say', async () => {
    await runs(gate(backend, 3_600_000));
    killed();
    expect(await kindOf(there, visit())).toBe('wait');
    pass(29_000);
    expect(await kindOf(there, visit())).toBe('wait');
    pass(1_000);
    await there.leave(await runs(there), SUCCEEDED);
  });

  it('that died is taken over by a process that sees it for the first time, long after', async () => {
    await runs(here);
    killed();
    pass(91_000);
    await there.leave(await runs(there), SUCCEEDED);
  });

  it('that lives is renewed for as long as the task runs, and never taken', async () => {
    const run = await runs(here);
    expect(await kindOf(there, visit())).toBe('wait');
    for (let beat = 0; beat < 20; beat++) {
      pass(10_000);
      await vi.advanceTimersByTimeAsync(10_000);
      expect(await kindOf(there, visit())).toBe('wait');
    }
    await here.leave(run, SUCCEEDED);
    expect(await kindOf(there, visit())).toBe('drop');
  });

  it('that lives is written anew where the store has lost it', async () => {
    const run = await runs(here);
    await backend.delete('once:u');
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await kindOf(there, visit())).toBe('wait');
    await here.leave(run, SUCCEEDED);
    expect(await kindOf(there, visit())).toBe('drop');
  });

  it('that stood still and was overtaken does not say how the task ended', async () => {
    const late = await runs(here);
    killed();
    pass(91_000);
    const run = await runs(there);
    await here.leave(late, SUCCEEDED);
    expect(await kindOf(gate(), visit())).toBe('wait');
    await there.leave(run, { kind: 'retrying', attempt: 2, delayMs: 1, error: new Error('no') });
    await here.leave(await runs(here, 2), SUCCEEDED);
  });

  it('survives that answers are lost: it is its own, and is given back', async () => {
    const unsteady = losingAnswers(backend);
    const losing = gate(unsteady.backend);
    const first = visit();
    unsteady.lose = 1;
    await expect(losing.enter(first)).rejects.toThrow('lost');
    expect(await kindOf(there, visit())).toBe('wait');
    await losing.leave(first, { kind: 'returned' });
    const second = await runs(losing);
    unsteady.lose = 1;
    await expect(losing.leave(second, SUCCEEDED)).rejects.toThrow('lost');
    // Told again, and of a shutdown that came in between.
    await losing.leave(second, { kind: 'returned' });
    await losing.leave(second, SUCCEEDED);
    expect(await kindOf(there, visit())).toBe('drop');
  });

  it.each(['what is shared is reached', 'the answer comes'])('is given back, and not renewed, where its run was given up before %s', async (until) => {
    let answer = (): void => undefined;
    const slow = new Promise<void>((resolve) => { answer = resolve; });
    const isReached = until === 'the answer comes';
    const late: StateBackend = Object.create(backend, { setIfAbsent: { value: async (...args: Parameters<StateBackend['setIfAbsent']>) => {
      if (isReached) await slow;
      return backend.setIfAbsent(...args);
    } } }) as StateBackend;
    const slowly = new OnceGate(async () => { if (!isReached) await slow; return late; }, undefined, { now: () => clocks.wall, monotonic: () => clocks.own });
    const run = visit();
    const entering = slowly.enter(run);
    const leaving = slowly.leave(run, { kind: 'returned' });
    if (isReached) await leaving;
    answer();
    await Promise.all([entering, leaving]);
    expect(vi.getTimerCount()).toBe(itsTimers);
    await there.leave(await runs(there), SUCCEEDED);
  });

  it('overcomes bytes that are no claim', async () => {
    await backend.set('once:u', Buffer.from('{"state":"elsewhere"}'), { expiresInMs: 60_000 });
    await here.leave(await runs(here), SUCCEEDED);
    expect(await kindOf(there, visit())).toBe('drop');
  });
});

describe('the header', () => {
  it('says for how long the end is remembered', () => {
    expect(onceSeconds(onceHeaders(1.2))).toBe(2);
    expect(onceSeconds(onceHeaders())).toBe(86_400);
    expect(onceSeconds({ [Header.once]: 'whatever' })).toBe(86_400);
    expect(onceSeconds({})).toBeUndefined();
  });
});

/** The write happens, and nobody hears of it. */
function losingAnswers(real: StateBackend): { backend: StateBackend; lose: number } {
  const unsteady = {
    lose: 0,
    backend: new Proxy(real, {
      // A promise is not to take it for one.
      get: (_, key) => key === 'then' ? undefined : async (...args: unknown[]) => {
        const answer = await (real[key as 'get'] as (...all: unknown[]) => Promise<unknown>)(...args);
        if (unsteady.lose > 0 && unsteady.lose-- > 0) throw new Error('lost');
        return answer;
      },
    }),
  };
  return unsteady;
}
