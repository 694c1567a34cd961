import { describe, expect, it } from 'vitest';
import { BatchLine } from '../../../lib/redis/batch-line.js';

const LIMITS = { most: 3, mostBytes: 100, mostUnderWay: 2 };
const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

interface Call { readonly batch: readonly number[]; resolve(): void; reject(error: Error): void }

function lineOf(limits = LIMITS): { line: BatchLine<number>; calls: Call[]; state: { open: boolean } } {
  const calls: Call[] = [];
  const state = { open: true };
  const line = new BatchLine<number>(limits, {
    send: (batch) => new Promise<void>((resolve, reject) => { calls.push({ batch, resolve, reject }); }),
    canSend: () => state.open,
    bytesOf: (item) => item,
  });
  return { line, calls, state };
}

const batchesOf = (calls: readonly Call[]): (readonly number[])[] => calls.map(({ batch }) => batch);

describe('a line of batches', () => {
  it('sends what comes in one turn together, no more than is allowed, and no more batches at a time', async () => {
    const { line, calls } = lineOf();
    for (let item = 1; item <= 8; item++) line.add(item);
    await turn();
    expect(batchesOf(calls)).toEqual([[1, 2, 3], [4, 5, 6]]);
    calls[0]?.resolve();
    await turn();
    expect(batchesOf(calls).at(-1)).toEqual([7, 8]);
  });

  it('ends a batch where its bytes are enough, and sends what alone is too large', async () => {
    const { line, calls } = lineOf();
    for (const item of [60, 60, 1, 500]) line.add(item);
    await turn();
    expect(batchesOf(calls)).toEqual([[60, 60], [1, 500]]);
  });

  it('sends again, in order, what failed, once nothing is under way', async () => {
    const { line, calls, state } = lineOf();
    for (let item = 1; item <= 7; item++) line.add(item);
    await turn();
    state.open = false;
    calls[1]?.reject(new Error('gone'));
    await turn();
    calls[0]?.reject(new Error('gone'));
    await turn();
    expect(line.waiting).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(line.isIdle).toBe(false);
    state.open = true;
    line.schedule();
    await turn();
    expect(batchesOf(calls).slice(2)).toEqual([[1, 2, 3], [4, 5, 6]]);
  });

  it('is idle when all is answered, and tells those who wait for it', async () => {
    const { line, calls } = lineOf();
    await line.idle();
    line.add(1);
    let isIdle = false;
    const idle = line.idle().then(() => { isIdle = true; });
    await turn();
    expect(isIdle).toBe(false);
    calls[0]?.resolve();
    await idle;
    expect(line.isIdle).toBe(true);
  });

  it('gives out what waits', async () => {
    const { line, calls, state } = lineOf();
    state.open = false;
    for (let item = 1; item <= 4; item++) line.add(item);
    await turn();
    expect(line.takeWaiting((item) => item % 2 === 0)).toEqual([2, 4]);
    expect(line.takeWaiting()).toEqual([1, 3]);
    expect([calls.length, line.isIdle]).toEqual([0, true]);
  });
});
