import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Task } from '../../../lib/index.js';
import { startTested } from './tested-app.js';

@Injectable()
class IndexTasks {
  readonly ran: string[] = [];
  fails = 0;

  @Task('index', { debounce: { waitSeconds: 60, maxWaitSeconds: 300, by: '0' }, retry: { attempts: 2, delaySeconds: 3_600, backoff: 'fixed', jitter: 0 } })
  index(id: string, text: string): string {
    this.ran.push(`${id} ${text}`);
    if (this.fails-- > 0) throw new Error('not yet');
    return `indexed ${text}`;
  }

  @Task('price', { throttle: { windowSeconds: 10, by: '0' } })
  price(stock: string, value: number): void {
    this.ran.push(`${stock} ${value}`);
  }
}

async function start(options = {}) {
  const started = await startTested(options, {}, [IndexTasks]);
  return { ...started, tasks: started.module.get(IndexTasks) };
}

describe('tasks that share a window, while a test moves the time', () => {
  it('are debounced: the last of a key runs when nothing has come for a while', async () => {
    const { testing, dispatcher, tasks } = await start();
    const client = dispatcher.client(IndexTasks);
    const first = await client.index('a', 'one');
    await testing.clock.advance({ seconds: 40 });
    const second = await client.index('a', 'two');
    await client.index('b', 'other');
    await testing.clock.advance({ seconds: 59 });
    expect(tasks.ran).toEqual([]);
    await testing.clock.advance({ seconds: 2 });
    expect([...tasks.ran].sort()).toEqual(['a two', 'b other']);
    expect([first.edge, second.edge, second.uuid]).toMatchObject([{ taken: true, as: 'trailing' }, { taken: false, uuid: first.uuid, replaced: true }, first.uuid]);
    expect(testing.published('index').map(({ args }) => args)).toEqual([['a', 'one'], ['b', 'other']]);
  });

  it('are not put off for longer than maxWaitSeconds', async () => {
    const { testing, dispatcher, tasks } = await start();
    for (let index = 0; index < 10; index++) {
      await dispatcher.publish('index', 'a', `${index}`);
      await testing.clock.advance({ seconds: 45 });
    }
    expect(tasks.ran).toEqual(['a 6']);
    await testing.drain({ delayed: true });
    expect(tasks.ran).toEqual(['a 6', 'a 9']);
  });

  it('are throttled: the first runs at once, the last of those that came meanwhile when the window ends', async () => {
    const { testing, dispatcher, tasks } = await start();
    for (const value of [1, 2, 3]) await dispatcher.publish('price', 'x', value);
    await testing.clock.advance({ seconds: 1 });
    expect(tasks.ran).toEqual(['x 1']);
    await testing.clock.advance({ seconds: 9.5 });
    expect(tasks.ran).toEqual(['x 1', 'x 3']);
    await dispatcher.publish('price', 'x', 4);
    await testing.clock.advance({ seconds: 8 });
    expect(tasks.ran).toEqual(['x 1', 'x 3']);
    await testing.clock.advance({ seconds: 3 });
    await testing.clock.advance({ seconds: 20 });
    await dispatcher.publish('price', 'x', 5);
    await testing.drain();
    expect(tasks.ran).toEqual(['x 1', 'x 3', 'x 4', 'x 5']);
  });

  it('give their result to all who wait for it, and are retried with the newest arguments', async () => {
    const { testing, dispatcher, tasks } = await start();
    tasks.fails = 1;
    const all = [await dispatcher.publish('index', { args: ['a', 'one'], result: true }), await dispatcher.publish('index', { args: ['a', 'two'], result: true })];
    const results = Promise.all(all.map((published) => published.result({ timeoutSeconds: 86_400 })));
    await testing.drain({ delayed: true });
    expect(await results).toEqual(['indexed two', 'indexed two']);
    expect(tasks.ran).toEqual(['a two', 'a two']);
  });

  it('go by what is said where they are published', async () => {
    const { testing, dispatcher, tasks } = await start();
    await dispatcher.publish('index', { args: ['a', 'at once'], debounce: false });
    const [one, other] = await dispatcher.publishMany([{ name: 'index', args: [{ type: 'string', value: 'a' }, { type: 'string', value: 'x' }] }, { name: 'index', args: [{ type: 'string', value: 'a' }, { type: 'string', value: 'y' }] }]);
    await dispatcher.client(IndexTasks, { throttle: { windowSeconds: 5, trailing: false, by: '0' } }).index('c', 'throttled');
    await testing.drain();
    expect(tasks.ran).toEqual(['a at once', 'c throttled']);
    expect([one, other]).toMatchObject([{ accepted: true, edge: { taken: true, as: 'trailing' } }, { accepted: true, edge: { taken: false, replaced: true } }]);
    await testing.drain({ delayed: true });
    expect(tasks.ran).toEqual(['a at once', 'c throttled', 'a y']);
  });

  it('tell what was absorbed', async () => {
    const { testing, dispatcher } = await start();
    const told: unknown[] = [];
    dispatcher.events({ type: 'task.absorbed' }).subscribe((event) => told.push(event));
    const first = await dispatcher.publish('index', 'a', 'one');
    await dispatcher.publish('index', 'a', 'two');
    await testing.drain();
    expect(told).toMatchObject([{ type: 'task.absorbed', task: { name: 'index' }, by: first.uuid, replaced: true }]);
  });

  it('let one be tried alone, and published inline', async () => {
    const { testing, dispatcher, tasks } = await start({ mode: 'inline' });
    await dispatcher.publish('price', 'x', 1);
    expect(tasks.ran).toEqual(['x 1']);
    await dispatcher.publish('index', { args: ['a', 'one'], debounce: false });
    expect(tasks.ran).toEqual(['x 1', 'a one']);
    expect(testing.outcomes.map(({ state }) => state)).toEqual(['succeeded', 'succeeded']);
  });
});
