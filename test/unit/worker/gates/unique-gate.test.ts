import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createResultBackend } from '../../../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../../../lib/state/state-backend.js';
import { Header } from '../../../../lib/task/headers.js';
import { decodeUniqueClaim, encodeUniqueClaim, type UniqueClaim } from '../../../../lib/task/unique-claim.js';
import type { UniqueMark } from '../../../../lib/task/unique-options.js';
import type { TaskEnd, TaskVisit } from '../../../../lib/worker/gates/task-gate.js';
import { UniqueGate } from '../../../../lib/worker/gates/unique-gate.js';

const KEY = 'unique:import';
const NOW = 1_000_000;
const ENDS: TaskEnd[] = [{ kind: 'succeeded', value: 1 }, { kind: 'failed', reason: 'failed', error: new Error('no') }, { kind: 'retrying', attempt: 2, delayMs: 10, error: new Error('no') }];
let backend: StateBackend;
let gate: UniqueGate;

beforeEach(async () => {
  backend = createResultBackend('embedded:');
  await backend.connect();
  gate = new UniqueGate(() => Promise.resolve(backend), () => NOW);
});

afterEach(() => backend.close(1_000));

function visit(scope: UniqueMark['scope'], token: string): TaskVisit {
  const mark: UniqueMark = { key: KEY, scope, seconds: 60, token, replace: false };
  return { uuid: `uuid-of-${token}`, name: 'import', args: [], headers: { [Header.unique]: JSON.stringify(mark) }, attempt: 1, queue: 'q', worker: 'w', redelivered: false };
}

async function heldBy(token: string): Promise<UniqueClaim> {
  const claim: UniqueClaim = { uuid: `uuid-of-${token}`, token, state: 'held', until: NOW + 60_000 };
  await backend.set(KEY, encodeUniqueClaim(claim), { expiresInMs: 60_000 });
  return claim;
}

async function holder(): Promise<UniqueClaim | undefined> {
  const bytes = await backend.get(KEY);
  return bytes && decodeUniqueClaim(bytes);
}

describe.each(['untilStarted', 'untilFinished'] as const)('a task that is unique %s', (scope) => {
  it('frees its own key', async () => {
    await heldBy('mine');
    const mine = visit(scope, 'mine');
    expect(await gate.enter(mine)).toEqual({ kind: 'run' });
    expect((await holder())?.token).toBe(scope === 'untilStarted' ? undefined : 'mine');
    await gate.leave(mine, { kind: 'succeeded', value: 1 });
    expect(await holder()).toBeUndefined();
  });

  it.each(ENDS)('leaves the key to whoever has it since its own has expired, when it has $kind', async (end) => {
    const theirs = await heldBy('theirs');
    const mine = visit(scope, 'mine');
    expect(await gate.enter(mine)).toEqual({ kind: 'run' });
    expect(await holder()).toEqual(theirs);
    await gate.leave(mine, end);
    expect(await holder()).toEqual(theirs);
  });
});
