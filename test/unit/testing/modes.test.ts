import { Test } from '@nestjs/testing';
import { describe, expect, it, onTestFinished } from 'vitest';
import { chain, chord, DispatcherModule, DispatcherService, getDispatcherToken, group, Task, task } from '../../../lib/index.js';
import { DispatcherTesting } from '../../../lib/testing/index.js';
import { clock } from '../../../lib/time/clock.js';
import { KeptLog } from '../../support/nest-app.js';
import { MailTasks, ReportTasks, startTested } from './tested-app.js';

const states = (outcomes: readonly { name: string; state: string }[]): string[] => outcomes.map(({ name, state }) => `${name} ${state}`);

describe('automatic', () => {
  it('runs what is published, as in production, without the servers that the application names', async () => {
    const { testing, dispatcher } = await startTested();
    const published = await dispatcher.publish('mail.send', { args: ['Ada', 2], result: true });
    expect(await published.result()).toBe('Ada x 2');
    expect(await testing.drain()).toMatchObject({ failed: 0 });
    expect(testing.outcomes).toMatchObject([{ name: 'mail.send', attempt: 1, queue: 'mail', state: 'succeeded', value: 'Ada x 2', uuid: published.uuid }]);
  });

  it('runs days of retries with a cron in between in the order of their times', async () => {
    const { testing, dispatcher, module } = await startTested({}, {}, [MailTasks, ReportTasks]);
    const published = await dispatcher.publish('mail.fail');
    await testing.clock.advance({ days: 3, hours: 1 });
    expect(module.get(ReportTasks).ticks).toBe(73);
    expect(states(testing.outcomes.filter(({ uuid }) => uuid === published.uuid))).toEqual([...Array<string>(3).fill('mail.fail retrying'), 'mail.fail failed']);
    expect(testing.outcomes.filter(({ uuid }) => uuid === published.uuid).map(({ delaySeconds }) => delaySeconds)).toEqual([86_400, 86_400, 86_400, undefined]);
    expect(await dispatcher.deadLetters.list('mail')).toMatchObject({ letters: [{ uuid: published.uuid }] });
  });

  it('delays to the millisecond, and no longer', async () => {
    const { testing, dispatcher, mail } = await startTested();
    await dispatcher.publish('mail.send', { args: ['later', 1], delaySeconds: 3_600 });
    await testing.clock.advance({ minutes: 59, seconds: 59.999 });
    expect(mail.ran).toEqual([]);
    await testing.clock.advance({ milliseconds: 2 });
    expect(mail.ran).toEqual(['send later']);
  });

  it('lets tasks expire, and time out', async () => {
    const { testing, dispatcher, mail } = await startTested();
    await dispatcher.publish('mail.send', { args: ['too late', 1], delaySeconds: 60, expiresInSeconds: 30 }).catch(() => undefined);
    await dispatcher.publish('mail.hang');
    await testing.clock.advance({ seconds: 59 });
    expect(mail.ran).toEqual(['hang']);
    await testing.clock.advance({ seconds: 1 });
    expect(states(testing.outcomes)).toContain('mail.hang failed');
    expect(testing.outcomes.find(({ name }) => name === 'mail.hang')).toMatchObject({ reason: 'timed-out' });
  });

  it('waits for what a handler does in the real world before time goes on', async () => {
    const { testing, dispatcher, mail } = await startTested();
    await dispatcher.publish('mail.slow');
    await testing.clock.advance({ days: 1 });
    expect(mail.ran).toEqual(['slow']);
  });

  it('drains what is delayed too, where it is to', async () => {
    const { testing, dispatcher } = await startTested();
    await dispatcher.publish('mail.fail');
    await dispatcher.publish('mail.send', { args: ['far', 1], delaySeconds: 40_000_000 });
    expect(await testing.drain()).toMatchObject({ retrying: 1, succeeded: 0 });
    expect(await testing.drain({ delayed: true })).toEqual({ succeeded: 1, retrying: 2, failed: 1, cancelled: 0, expired: 0, dropped: 0, returned: 0, suspended: 0 });
    expect(testing.clock.now.getTime()).toBeGreaterThanOrEqual(Date.UTC(2026, 2, 1, 0, 10) + 40_000_000_000);
  });

  it('says which task does not end', async () => {
    const { testing, dispatcher } = await startTested();
    await dispatcher.publish('mail.hang');
    await expect(testing.drain()).rejects.toMatchObject({ code: 'ERR_DISPATCHER_TEST_STALLED', message: expect.stringMatching(/"mail\.hang".*does not end.*clock\.advance/s) });
  });

  it('closes in spite of a handler that never ends', async () => {
    const { testing, dispatcher, module, mail } = await startTested();
    await dispatcher.publish('mail.hang');
    await testing.clock.advance({ seconds: 1 });
    await module.close();
    expect(mail.ran).toEqual(['hang']);
  });
});

describe('manual', () => {
  it('keeps tasks until they are asked for, in their order', async () => {
    const { testing, dispatcher, mail } = await startTested({ mode: 'manual' });
    for (const name of ['a', 'b', 'c']) await dispatcher.publish('mail.send', name, 1);
    await testing.clock.advance({ hours: 1 });
    expect(mail.ran).toEqual([]);
    expect(await testing.runNext()).toMatchObject({ name: 'mail.send', state: 'succeeded', value: 'a x 1' });
    expect(mail.ran).toEqual(['send a']);
    expect(await testing.drain()).toMatchObject({ succeeded: 2 });
    expect(mail.ran).toEqual(['send a', 'send b', 'send c']);
    expect(await testing.runNext()).toBeUndefined();
  });

  it('runs those of one name, with those of it that they publish', async () => {
    const { testing, dispatcher, mail } = await startTested({ mode: 'manual' });
    await dispatcher.publish('mail.send', 'first', 1);
    await dispatcher.publish('mail.parent');
    expect(states(await testing.runAll({ name: 'mail.parent' }))).toEqual(['mail.parent succeeded']);
    expect(mail.ran).toEqual(['parent begins', 'parent ends']);
    expect(states(await testing.runAll({ name: 'mail.send' }))).toEqual(['mail.send succeeded', 'mail.send succeeded']);
    expect(await testing.runAll({ name: 'mail.send' })).toEqual([]);
  });

  it('runs what a task waits for while that runs', async () => {
    const { testing, dispatcher } = await startTested({ mode: 'manual' });
    await dispatcher.publish('mail.asks');
    expect(await testing.runNext()).toMatchObject({ name: 'mail.asks', value: 'got asked x 2' });
  });

  it('can be left and come back to', async () => {
    const { testing, dispatcher, mail } = await startTested({ mode: 'manual' });
    await dispatcher.publish('mail.send', 'kept', 1);
    testing.mode = 'automatic';
    await testing.drain();
    expect(mail.ran).toEqual(['send kept']);
    testing.mode = 'manual';
    await dispatcher.publish('mail.send', 'kept again', 1);
    await testing.clock.advance({ seconds: 1 });
    expect(mail.ran).toEqual(['send kept']);
    expect(() => { testing.mode = 'never' as 'manual'; }).toThrow(/mode must be one of/);
  });

  it('runs a chord step by step', async () => {
    const { testing, dispatcher } = await startTested({ mode: 'manual' });
    const published = await dispatcher.publish(chord(group(task('mail.send', 'a', 1), task('mail.send', 'b', 2)), task('mail.join')));
    expect(await testing.drain()).toMatchObject({ succeeded: 3 });
    expect(await published.result()).toBe('a x 1 + b x 2');
    expect(testing.published().map(({ name, workflow }) => [name, workflow])).toEqual([['mail.send', published.uuid], ['mail.send', published.uuid], ['mail.join', published.uuid]]);
  });
});

describe('inline', () => {
  it('has run a task when publish resolves, whatever its delay', async () => {
    const { dispatcher, mail } = await startTested({ mode: 'inline' });
    await dispatcher.publish('mail.send', { args: ['now', 1], delaySeconds: 3_600 });
    expect(mail.ran).toEqual(['send now']);
    await dispatcher.client(MailTasks).send('too', 1);
    expect(mail.ran).toEqual(['send now', 'send too']);
  });

  it('throws to the publisher what the handler throws', async () => {
    const { testing, dispatcher } = await startTested({ mode: 'inline' });
    await expect(dispatcher.publish('mail.fail')).rejects.toThrow('The mail server is away.');
    expect(states(testing.outcomes)).toEqual(['mail.fail retrying']);
    const outcomes = await dispatcher.publishMany([{ name: 'mail.fail' }, { name: 'mail.send', args: [{ type: 'string', value: 'x' }, { type: 'int', value: 1 }] }]);
    expect(outcomes).toMatchObject([{ accepted: false, error: { code: 'ERR_DISPATCHER_TASK_FAILED', cause: { message: 'The mail server is away.' } } }, { accepted: true }]);
  });

  it('runs tasks within tasks, on a worker that takes one at a time', async () => {
    const { dispatcher, mail } = await startTested({ mode: 'inline' }, { workers: [{ name: 'w', queue: 'mail', bindingKeys: ['tasks'], limit: 1 }] });
    await dispatcher.publish('mail.parent');
    expect(mail.ran).toEqual(['parent begins', 'send child', 'parent ends']);
  });

  it('runs a chain to its end', async () => {
    const { dispatcher } = await startTested({ mode: 'inline' });
    const published = await dispatcher.publish(chain(group(task('mail.send', 'a', 1), task('mail.send', 'b', 1)), task('mail.join')));
    expect(await published.result()).toBe('a x 1 + b x 1');
  });

  it('does not wait for tasks of others', async () => {
    const { testing, dispatcher } = await startTested({ mode: 'inline' }, { initQueues: [{ name: 'theirs', bindingKeys: ['theirs'] }] });
    await dispatcher.publish({ name: 'of.others', routingKey: 'theirs' });
    expect(testing.published()).toMatchObject([{ name: 'of.others', queues: ['theirs'] }]);
  });

  it('says so where a task cannot be run', async () => {
    const { dispatcher } = await startTested({ mode: 'inline' });
    await dispatcher.pause({ queue: 'mail' }, { by: 'test', reason: 'to see' });
    await expect(dispatcher.publish('mail.send', 'x', 1)).rejects.toMatchObject({ code: 'ERR_DISPATCHER_TEST_STALLED' });
  });
});

describe('workers that wait for answers of their broker', () => {
  it.each(['automatic', 'manual', 'inline'] as const)('with levels and weights get on without that time passes: %s', async (mode) => {
    class Weighted { readonly ran: string[] = []; @Task('heavy', { weight: 5 }) heavy(text: string): void { this.ran.push(text); } @Task('light', { weight: 1 }) light(text: string): void { this.ran.push(text); } }
    const { testing, dispatcher, module } = await startTested({ mode }, { workers: [{ name: 'w', queue: 'mail', bindingKeys: ['tasks'], priorities: true, limit: 2 }] }, [Weighted]);
    const names = ['heavy', 'light', 'heavy', 'light', 'heavy'];
    for (const [index, name] of names.entries()) await dispatcher.publish(name, { args: [String(index)], priority: (['high', 'normal', 'low'] as const)[index % 3]! });
    await testing.drain();
    expect([...module.get(Weighted).ran].sort()).toEqual(['0', '1', '2', '3', '4']);
    expect(testing.clock.now).toEqual(new Date('2026-03-01T00:10:00Z'));
    await testing.clock.advance({ days: 1 });
  });

  it('are asked what they do, without that time passes', async () => {
    const { testing, dispatcher } = await startTested();
    await dispatcher.publish('mail.hang');
    const [processes, running] = await Promise.all([dispatcher.inspect.processes(), dispatcher.inspect.running()]);
    expect(processes).toHaveLength(1);
    expect(running).toMatchObject([{ name: 'mail.hang' }]);
    expect(testing.clock.now).toEqual(new Date('2026-03-01T00:10:00Z'));
  });
});

describe('several dispatchers', () => {
  it('share the queues of one broker, and not those of another', async () => {
    class OtherTasks { readonly ran: string[] = []; @Task('other', { dispatcher: 'one' }) one(text: string): void { this.ran.push(text); } @Task('other', { dispatcher: 'two' }) two(text: string): void { this.ran.push(text); } }
    const forRoot = (name: string, broker: string, exchange: string) => DispatcherModule.forRoot({
      name, broker, exchange, defaultRoutingKey: 'k', logger: new KeptLog(), workers: [{ name: 'w', queue: 'q', bindingKeys: ['k'], tasks: ['other'] }],
    });
    const testing = new DispatcherTesting({ mode: 'manual' });
    const builder = Test.createTestingModule({ imports: [forRoot('one', 'amqp://a/', 'e'), forRoot('two', 'amqp://b/', 'e')], providers: [OtherTasks] });
    const module = await testing.override(builder).compile();
    await module.init();
    onTestFinished(() => module.close());
    const [one, two] = ['one', 'two'].map((name) => module.get<DispatcherService>(getDispatcherToken(name)));
    await one!.publish('other', 'first');
    expect([await one!.depth('q'), await two!.depth('q')]).toEqual([1, 0]);
    await two!.publish('other', 'second');
    expect(await testing.drain()).toMatchObject({ succeeded: 2 });
    expect(testing.published('other').map(({ dispatcher, args }) => [dispatcher, ...args])).toEqual([['one', 'first'], ['two', 'second']]);
    expect(testing.outcomes).toHaveLength(2);
  });

  it('of two applications are closed one after the other', async () => {
    const testing = new DispatcherTesting({ now: 0 });
    const start = async () => {
      const module = await testing.override(Test.createTestingModule({ imports: [DispatcherModule.forRoot({ exchange: 'e', defaultRoutingKey: 'k', logger: new KeptLog(), initQueues: [{ name: 'q', bindingKeys: ['k'] }] })] })).compile();
      return module.init();
    };
    const [api, worker] = [await start(), await start()];
    await api.close();
    expect(clock.now()).toBeLessThan(Date.UTC(2000, 0));
    await worker.get(DispatcherService).publish('kept', 1);
    expect(testing.published()).toHaveLength(1);
    await worker.close();
    expect(clock.now()).toBeGreaterThan(Date.UTC(2026, 0));
  });
});
