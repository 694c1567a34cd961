import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { type DispatcherEvent, Task, TaskContext, TaskFailedError } from '../../lib/index.js';
import { everyBroker, oneWorker, startOn } from '../support/nest-on-broker.js';
import { eventually, Signal } from '../support/wait.js';

@Injectable()
class Tasks {
  readonly done: string[] = [];
  readonly left: string[] = [];
  readonly seen: unknown[] = [];
  failures = 0;
  hold = new Signal();
  holds = false;

  private work(name: string): string {
    this.done.push(name);
    return `${name} ${this.done.length}`;
  }

  /** Two steps, with a failure between them until there are no more. */
  @Task('order', { retry: { attempts: 3, delaySeconds: 0.05 }, result: true })
  async order(id: number, @TaskContext() context: TaskContext): Promise<unknown> {
    const charge = await context.step('charge', () => this.work('charge'));
    if (this.failures-- > 0) throw new Error('not yet');
    const mail = await context.step('mail', async () => Promise.resolve(this.work('mail')));
    return { id, charge, mail, attempt: context.attempt };
  }

  @Task('values', { result: true })
  async values(@TaskContext() context: TaskContext): Promise<unknown> {
    const first = await context.step('a date', () => new Date(0));
    return [first, await context.step('big', () => 2n ** 60n), await context.step('nothing', () => undefined)];
  }

  @Task('twice', { result: true })
  async twice(@TaskContext() context: TaskContext): Promise<unknown> {
    await context.step('one', () => 1);
    return context.step('one', () => 2);
  }

  @Task('large', { result: true })
  async large(@TaskContext() context: TaskContext): Promise<unknown> {
    return context.step('large', () => this.work('large').repeat(1024 * 1024));
  }

  @Task('nap', { result: true })
  async nap(milliseconds: number, @TaskContext() context: TaskContext): Promise<unknown> {
    const before = await context.step('before', () => this.work('before'));
    try {
      await context.sleep('pause', { seconds: milliseconds / 1000 });
    } finally {
      this.left.push('nap');
    }
    return [before, await context.step('after', () => this.work('after')), context.attempt];
  }

  @Task('swallows', { result: true })
  async swallows(@TaskContext() context: TaskContext): Promise<unknown> {
    await context.sleep('pause', { seconds: 1 }).catch((error: unknown) => this.seen.push((error as Error).name));
    const rest = await context.step('rest', () => this.work('rest')).catch(() => 'not begun');
    return rest;
  }

  @Task('approval', { result: true })
  async approval(timeoutSeconds: number, @TaskContext() context: TaskContext): Promise<unknown> {
    await context.step('ask', () => this.work('ask'));
    if (this.holds) await this.hold.promise;
    const answer = await context.waitFor<string>('approved', { timeoutSeconds, otherwise: 'nobody' });
    return [answer, await context.step('tell', () => this.work('tell'))];
  }

  @Task('in-time', { result: true, retry: { attempts: 1 } })
  async inTime(@TaskContext() context: TaskContext): Promise<unknown> {
    return context.waitFor('approved', { timeoutSeconds: 0.1 });
  }

  version = 1;
  otherVersion: 'refuse' | 'again' = 'refuse';
  gives = false;
  @Task('versioned', { result: true })
  async versioned(@TaskContext() context: TaskContext): Promise<unknown> {
    const value = await context.step('v', () => this.work('v'), { version: this.version, otherVersion: this.otherVersion });
    if (!this.gives) throw new Error('later');
    return value;
  }

  @Task('together', { result: true })
  async together(@TaskContext() context: TaskContext): Promise<unknown> {
    return Promise.all([
      context.step('slow', async () => {
        await new Promise((resolve) => setTimeout(resolve, 100));
        return this.work('slow');
      }),
      context.sleep('pause', { seconds: 0.2 }),
      context.waitFor('go'),
    ]);
  }

  tries = 0;
  @Task('tried', { result: true })
  async tried(@TaskContext() context: TaskContext): Promise<unknown> {
    return context.step('flaky', () => {
      if (++this.tries < 3) throw new Error('flaky');
      return this.tries;
    }, { retry: { attempts: 3, delaySeconds: 0.01 } });
  }
}

describe.each([['embedded:', () => 'embedded:'] as [string, () => string], ...everyBroker('steps')])('durable steps on %s', (_, url) => {
  async function start() {
    const config = oneWorker(url(), 'steps');
    const { app, service } = await startOn({ ...config, takeoverSeconds: 3 }, { providers: [Tasks] });
    const events: DispatcherEvent[] = [];
    service.events().subscribe((event) => events.push(event));
    return { app, service, events, tasks: app.get(Tasks), queue: config.workers[0].queue };
  }

  const until = (events: DispatcherEvent[], type: DispatcherEvent['type'], count = 1) => eventually(() => events.filter((event) => event.type === type).length, (found) => found >= count, `${count} ${type}`);

  it('are done once, whatever attempts follow', async () => {
    const { service, tasks } = await start();
    tasks.failures = 2;
    const sent = await service.publish('order', 7);
    expect(await sent.result()).toEqual({ id: 7, charge: 'charge 1', mail: 'mail 2', attempt: 3 });
    expect(tasks.done).toEqual(['charge', 'mail']);
  });

  it('give in the first run what they give in any other', async () => {
    const { service } = await start();
    expect(await (await service.publish('values')).result()).toEqual([new Date(0).toISOString(), 2n ** 60n, undefined]);
  });

  it('of one name in a run are a mistake', async () => {
    const { service } = await start();
    const error = await (await service.publish('twice')).result().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TaskFailedError);
    expect(String((error as Error).cause)).toContain('"one" is the name of two steps');
  });

  it('whose result is too large are done once all the same, and say so each time', async () => {
    const { service, tasks, queue, events } = await start();
    const sent = await service.publish('large');
    await expect(sent.result()).rejects.toThrow(/at most \d+ are kept of one task/);
    await service.deadLetters.replay(queue, sent.uuid);
    await until(events, 'task.dead-lettered', 2);
    expect(tasks.done).toEqual(['large']);
  });

  it('are tried again within their run where they say so', async () => {
    const { service } = await start();
    expect(await (await service.publish('tried')).result()).toBe(3);
  });

  it('of a dead letter are known to its replay, and forgotten when it is discarded', async () => {
    const { service, tasks, queue, events } = await start();
    tasks.failures = 3;
    const sent = await service.publish('order', 8);
    await expect(sent.result()).rejects.toThrow();
    await until(events, 'task.dead-lettered');
    await service.deadLetters.replay(queue, sent.uuid);
    await until(events, 'task.dead-lettered', 1);
    await eventually(() => tasks.done.join(), (done) => done === 'charge,mail', 'the replay');
    // With another uuid: what is discarded leaves nothing for whoever has its uuid next.
    tasks.failures = 3;
    const uuid = crypto.randomUUID();
    await service.publish({ name: 'order', uuid, args: [{ type: 'int', value: 9 }] });
    await until(events, 'task.dead-lettered', 2);
    expect(tasks.done).toEqual(['charge', 'mail', 'charge']);
    expect(await service.deadLetters.discard(queue, uuid)).toBe(true);
    tasks.failures = 0;
    await service.publish({ name: 'order', uuid, args: [{ type: 'int', value: 9 }] });
    await eventually(() => tasks.done.join(), (done) => done === 'charge,mail,charge,charge,mail', 'a task as if it were the first');
  });

  it('of another version are refused at once, or done again', async () => {
    const { service, tasks, queue, events } = await start();
    const sent = await service.publish('versioned');
    await until(events, 'task.dead-lettered');
    tasks.version = 2;
    await service.deadLetters.replay(queue, sent.uuid);
    await until(events, 'task.dead-lettered', 2);
    expect((events.filter(({ type }) => type === 'task.dead-lettered')[1] as { error?: { code?: string } }).error?.code).toBe('ERR_DISPATCHER_STEP_VERSION');
    Object.assign(tasks, { otherVersion: 'again', gives: true });
    await service.deadLetters.replay(queue, sent.uuid);
    await eventually(() => tasks.done.join(), (done) => done === 'v,v', 'the step again');
  });

  it('sleep without a slot, at no attempt, and go on with what was done', async () => {
    const { service, tasks, events } = await start();
    const began = Date.now();
    const sent = await service.publish('nap', 700);
    await until(events, 'task.suspended');
    // The only slot is free meanwhile.
    expect(await (await service.publish('values')).result()).toHaveLength(3);
    expect(await sent.result()).toEqual(['before 1', 'after 2', 1]);
    expect(Date.now() - began).toBeGreaterThanOrEqual(700);
    expect(tasks.done).toEqual(['before', 'after']);
    expect(tasks.left).toEqual(['nap', 'nap']);
  });

  it('wait although their handler catches what it is left by', async () => {
    const { service, tasks } = await start();
    expect(await (await service.publish('swallows')).result()).toBe('rest 1');
    expect(tasks.seen).toEqual(['TaskSuspendedError']);
  });

  it('wait for a signal', async () => {
    const { service, tasks, events } = await start();
    const sent = await service.publish('approval', 3600);
    await until(events, 'task.suspended');
    expect(await service.signal(sent.uuid, 'approved', 'by Ann', { by: 'ann' })).toBe('delivered');
    expect(await sent.result()).toEqual(['by Ann', 'tell 2']);
    expect(tasks.done).toEqual(['ask', 'tell']);
    await eventually(() => service.signal(sent.uuid, 'approved', 'by Bob'), (outcome) => outcome === 'ended', 'its end');
  });

  it('find a signal that came before they waited, and before they ran', async () => {
    const { service, tasks } = await start();
    const uuid = crypto.randomUUID();
    expect(await service.signal(uuid, 'approved', 1)).toBe('unseen');
    expect(await service.signal(uuid, 'approved', 2)).toBe('duplicate');
    const early = await service.publish({ name: 'approval', uuid, args: [{ type: 'int', value: 60 }] });
    expect(await early.result()).toEqual([1, 'tell 2']);
    tasks.holds = true;
    const sent = await service.publish('approval', 60);
    await eventually(() => tasks.done.length, (count) => count === 3, 'its first step');
    expect(await service.signal(sent.uuid, 'approved', 'early')).toBe('kept');
    tasks.hold.fire();
    expect(await sent.result()).toEqual(['early', 'tell 4']);
  });

  it('go on without a signal when their time is up, and then take none', async () => {
    const { service, tasks } = await start();
    const sent = await service.publish('approval', 0.3);
    expect(await sent.result()).toEqual(['nobody', 'tell 2']);
    expect(tasks.done).toEqual(['ask', 'tell']);
    const late = await service.publish('in-time');
    await expect(late.result()).rejects.toMatchObject({ cause: expect.objectContaining({ code: 'ERR_DISPATCHER_SIGNAL_TIMEOUT' }) as unknown });
    expect(await service.signal(late.uuid, 'approved')).toBe('late');
  });

  it('wait for several things at once, and keep what ends meanwhile', async () => {
    const { service, tasks, events } = await start();
    const sent = await service.publish('together');
    await until(events, 'task.suspended');
    expect(tasks.done).toEqual(['slow']);
    await service.signal(sent.uuid, 'go', 'gone');
    expect(await sent.result()).toEqual(['slow 1', undefined, 'gone']);
    expect(tasks.done).toEqual(['slow']);
  });

  it('that wait are cancelled at once', async () => {
    const { service, tasks, events } = await start();
    const asleep = await service.publish('nap', 3_600_000);
    const waiting = await service.publish('approval', 3600);
    await until(events, 'task.suspended', 2);
    const found = await service.inspect.task(waiting.uuid);
    expect(found).toMatchObject({ name: 'approval', where: { place: 'delayed' } });
    expect(found.waitsFor.join()).toMatch(/It waits since .* for the signal "approved", until/);
    expect((await service.inspect.task(asleep.uuid)).waitsFor.join()).toMatch(/It sleeps since .* until/);
    await service.cancel([asleep.uuid, waiting.uuid], { by: 'ann' });
    await expect(asleep.result()).rejects.toMatchObject({ fields: { state: 'cancelled' } });
    await expect(waiting.result()).rejects.toMatchObject({ fields: { state: 'cancelled' } });
    expect(tasks.done).toEqual(['before', 'ask']);
    expect(await service.signal(waiting.uuid, 'approved')).toBe('ended');
  });
});

