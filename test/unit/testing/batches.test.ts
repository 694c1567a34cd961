import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Task, type BatchedTask } from '../../../lib/index.js';
import { startTested } from './tested-app.js';

@Injectable()
class Indexing {
  readonly calls: unknown[][] = [];

  @Task('index', { batch: { size: 3, waitMs: 60_000 }, retry: { attempts: 2, delaySeconds: 3_600 } })
  index(tasks: readonly BatchedTask<[id: number], string>[]): void {
    this.calls.push(tasks.map(({ args }) => args[0]));
    for (const one of tasks) if (one.args[0] === 2 && one.context.attempt === 1) one.fail(new Error('not now')); else one.succeed(`indexed ${one.args[0]}`);
  }

  @Task('never', { batch: { size: 3 }, timeoutSeconds: 60 })
  never(): Promise<void> { return new Promise(() => undefined); }
}

async function start(mode?: 'manual' | 'inline') {
  const { testing, dispatcher, module } = await startTested(mode === undefined ? {} : { mode }, {}, [Indexing]);
  return { testing, dispatcher, indexing: module.get(Indexing), client: dispatcher.client(Indexing) };
}

describe('batch handlers in tests', () => {
  it('get what was published together, without waiting for time to pass, and retries in their time', async () => {
    const { testing, client, indexing } = await start();
    for (const id of [1, 2, 3, 4]) await client.index(id);
    expect(await testing.drain()).toMatchObject({ succeeded: 3, retrying: 1 });
    expect(indexing.calls).toEqual([[1, 2, 3], [4]]);
    await testing.clock.advance({ hours: 2 });
    expect(indexing.calls.at(-1)).toEqual([2]);
    expect(testing.outcomes.at(-1)).toMatchObject({ state: 'succeeded', value: 'indexed 2', attempt: 2 });
  });

  it.each(['manual', 'inline'] as const)('get one task a call where tasks run one by one: %s', async (mode) => {
    const { testing, client, indexing } = await start(mode);
    for (const id of [1, 3]) await client.index(id);
    await testing.drain();
    expect(indexing.calls).toEqual([[1], [3]]);
  });

  it('run by runTask, with that task alone, and what it gives is checked by the compiler', async () => {
    const { testing } = await start();
    const text: string = await testing.runTask(Indexing, 'index', [7]);
    expect(text).toBe('indexed 7');
    await expect(testing.runTask(Indexing, 'index', [2])).rejects.toThrow('not now');
    // @ts-expect-error an id is a number
    void (() => testing.runTask(Indexing, 'index', ['7']));
  });

  it('time out when the test moves the clock', async () => {
    const { testing, client } = await start();
    await client.never();
    await testing.clock.advance({ seconds: 61 });
    expect(testing.outcomes).toMatchObject([{ name: 'never', state: 'failed', error: { code: 'ERR_DISPATCHER_TASK_TIMEOUT' } }]);
  });
});
