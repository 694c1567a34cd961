import { describe, expect, it } from 'vitest';
import { ConfigurationError, InvalidTaskError, type DispatcherService, type TaskInput } from '../../../lib/index.js';
import { startApp } from '../../support/nest-app.js';

/** Nothing answers there: what is refused is refused before anything is opened. */
const start = async (): Promise<DispatcherService> => (await startApp({}, {
  foreignResults: { celery: 'redis://127.0.0.1:1/0' }, encryption: { keys: [{ id: 'a', secret: Buffer.alloc(32, 1) }], tasks: ['card.*'] },
})).service;
const add: TaskInput = { name: 'add', routingKey: 'key' };

describe('chains, groups and chords of other systems', () => {
  it('need a format that has them, and where its results are kept', async () => {
    const service = await start();
    expect(() => service.foreign('hutch')).toThrow(ConfigurationError);
    expect(() => service.foreign('hutch')).toThrow(/"hutch" has no chains/);
    expect(() => service.foreign('machinery')).toThrow(/foreignResults: \{ machinery: 'redis:/);
  });

  it.each([
    ['no tasks', [], /needs a list of tasks/], ['no list', 5 as never, /needs a list of tasks; found the number 5/], ['a task that is delayed', [add, { ...add, delaySeconds: 1 }], /cannot be delayed/],
    ['a task that is to be encrypted', [add, { ...add, encrypt: true }], /"add" is to be encrypted/], ['one whose name is encrypted', [add, { ...add, name: 'card.charge' }], /"card.charge" is to be encrypted.*encrypt: false/],
  ])('refuse %s', async (_what, tasks: TaskInput[], text) => {
    const celery = (await start()).foreign('celery');
    for (const publish of [() => celery.chain(tasks), () => celery.group(tasks), () => celery.chord(tasks, add)]) {
      await expect(publish()).rejects.toThrow(InvalidTaskError);
      await expect(publish()).rejects.toThrow(text);
    }
  });

  it('refuse a callback that is to be encrypted, which would stand in each member', async () => {
    await expect((await start()).foreign('celery').chord([add], { ...add, name: 'card.charge' })).rejects.toThrow(/"card.charge" is to be encrypted/);
  });
});
