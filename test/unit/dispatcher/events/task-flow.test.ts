import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Task, type StampedEvent } from '../../../../lib/index.js';
import { startApp } from '../../../support/nest-app.js';
import { Arrivals } from '../../../support/wait.js';

@Injectable()
class Tasks {
  @Task('add') add(a: number, b: number): number { return a + b; }
  @Task('fails') fails(): void { throw new Error('oops'); }
}

async function startWithEvents() {
  const running = await startApp({ providers: [Tasks] });
  const seen = new Arrivals<StampedEvent>();
  const subscription = running.service.events({ origin: 'task' }).subscribe((event) => seen.add(event));
  return { ...running, seen, subscription };
}

describe('events of every task', () => {
  it('tell of its publish, its start and its success, with the identity of the run', async () => {
    const { service, seen } = await startWithEvents();
    const { uuid } = await service.publish('add', 1, 2);
    await seen.first(({ type }) => type === 'task.succeeded', 'the success');
    const identity = { uuid, name: 'add', attempt: 1, queue: 'queue_1', worker: 'worker_1' };
    // Who runs it may be quicker than the news that the broker has it.
    expect(seen.all.map(({ type }) => type).sort()).toEqual(['task.published', 'task.started', 'task.succeeded']);
    const of = (type: string): StampedEvent | undefined => seen.all.find((event) => event.type === type);
    expect(of('task.published')).toMatchObject({ task: { uuid, name: 'add' }, routingKey: 'key' });
    expect(of('task.started')).toMatchObject({ task: identity, level: 'debug' });
    expect(of('task.succeeded')).toMatchObject({ task: identity, durationMs: expect.any(Number) as number });
  });

  it('tell of each of many, and of no success where there is none', async () => {
    const { service, seen } = await startWithEvents();
    const outcomes = await service.publishMany([{ name: 'add' }, { name: 'fails' }, { name: 'add', routingKey: 'nowhere' }]);
    expect(outcomes.map(({ accepted }) => accepted)).toEqual([true, true, false]);
    await seen.first(({ type }) => type === 'task.dead-lettered', 'the dead letter');
    await seen.first(({ type }) => type === 'task.succeeded', 'the success');
    const count = (type: string): number => seen.all.filter((event) => event.type === type).length;
    expect([count('task.published'), count('task.started'), count('task.succeeded')]).toEqual([2, 2, 1]);
  });

  it('are told to nobody who has left', async () => {
    const { service, seen, subscription } = await startWithEvents();
    await service.publish('add', 1, 2);
    await seen.first(({ type }) => type === 'task.succeeded', 'the success');
    subscription.unsubscribe();
    const before = seen.all.length;
    const heard = new Arrivals<string>();
    service.events({ type: 'task.succeeded' }).subscribe(({ type }) => heard.add(type));
    await service.publish('add', 1, 2);
    await heard.count(1);
    expect(seen.all).toHaveLength(before);
  });
});
