import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import { ResultRecorder } from '../../../lib/results/result-recorder.js';
import { waitForEnd } from '../../../lib/results/result-reader.js';
import type { StateBackend } from '../../../lib/state/state-backend.js';

const task = { uuid: 'u1', name: 'add' };
let backend: StateBackend;
let recorder: ResultRecorder;

beforeEach(async () => {
  backend = createResultBackend('embedded:');
  await backend.connect();
  recorder = new ResultRecorder(() => Promise.resolve(backend), { expiresInMs: 60_000, maxResultBytes: 1_000 });
});

afterEach(() => backend.close(1_000));

describe('a record', () => {
  it('grows with what happens, whoever reports it', async () => {
    const other = new ResultRecorder(() => Promise.resolve(backend), { expiresInMs: 60_000 });
    await recorder.record(task, [{ state: 'published', at: 1 }]);
    await other.record(task, [{ state: 'started', at: 2, attempt: 1, worker: 'w' }]);
    await other.record(task, [{ state: 'succeeded', at: 3, attempt: 1, worker: 'w' }], { kind: 'value', value: 42n });
    const result = await recorder.read('u1');
    expect(result).toMatchObject({ uuid: 'u1', name: 'add', state: 'succeeded', attempt: 1, outcome: { kind: 'value', value: 42n } });
    expect(result?.timeline.map(({ state }) => state)).toEqual(['published', 'started', 'succeeded']);
  });

  it('keeps every entry of writers at the same time', async () => {
    await Promise.all(Array.from({ length: 10 }, (_, i) => recorder.record(task, [{ state: 'retrying', at: i, attempt: i + 1 }])));
    expect((await recorder.read('u1'))?.timeline).toHaveLength(10);
  });

  it('stays as it is once it has ended', async () => {
    await recorder.record(task, [{ state: 'succeeded', at: 1 }], { kind: 'value', value: 'first' });
    await recorder.record(task, [{ state: 'failed', at: 2, error: { name: 'Error', message: 'second' } }]);
    expect(await recorder.read('u1')).toMatchObject({ state: 'succeeded', outcome: { value: 'first' } });
  });

  it('says why a value could not be kept', async () => {
    await recorder.record(task, [{ state: 'succeeded', at: 1 }], { kind: 'value', value: 'x'.repeat(2_000) });
    expect((await recorder.read('u1'))?.outcome).toMatchObject({ kind: 'unstorable', problem: expect.stringContaining('maxResultBytes') as string });
  });

  it('begins anew where its key holds foreign bytes', async () => {
    await backend.set('task:u1', Buffer.from('not ours'), { expiresInMs: 60_000 });
    await recorder.record(task, [{ state: 'started', at: 1 }]);
    expect((await recorder.read('u1'))?.state).toBe('started');
  });

  it('is unknown before anything was recorded', async () => {
    expect(await recorder.read('nobody')).toBeUndefined();
  });
});

describe('waiting', () => {
  it('ends with the task, not before', async () => {
    const end = waitForEnd(recorder, 'u1', 10_000, new AbortController().signal);
    await recorder.record(task, [{ state: 'started', at: 1, attempt: 1 }]);
    await recorder.record(task, [{ state: 'failed', at: 2, attempt: 1, error: { name: 'RangeError', message: 'too far' } }]);
    expect(await end).toMatchObject({ state: 'failed', outcome: { kind: 'error', error: { name: 'RangeError' } } });
  });

  it('ends at once where the task had ended before', async () => {
    await recorder.record(task, [{ state: 'succeeded', at: 1 }]);
    expect((await waitForEnd(recorder, 'u1', 10_000, new AbortController().signal)).state).toBe('succeeded');
  });

  it('ends with what is known when the time is up', async () => {
    await expect(waitForEnd(recorder, 'u1', 1, new AbortController().signal)).rejects.toThrow(/has not ended within 1 ms: nothing is recorded/);
    await recorder.record(task, [{ state: 'started', at: 1, attempt: 3 }]);
    await expect(waitForEnd(recorder, 'u1', 50, new AbortController().signal)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_RESULT_WAIT_TIMEOUT', fields: { state: 'started' } });
  });
});
