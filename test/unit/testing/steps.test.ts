import { Injectable } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { Task, TaskContext } from '../../../lib/index.js';
import type { TestingOptions } from '../../../lib/testing/index.js';
import { startTested } from './tested-app.js';

@Injectable()
class OrderTasks {
  readonly done: string[] = [];

  @Task('order.pay', { result: true })
  async pay(id: string, @TaskContext() context: TaskContext): Promise<string> {
    await context.step('charge', () => this.done.push(`charge ${id}`));
    const approved = await context.waitFor<string>('approved', { timeoutSeconds: 7 * 86_400, otherwise: 'nobody' });
    await context.sleep('cooling-off', { days: 3 });
    await context.step('mail', () => this.done.push(`mail ${id}`));
    return approved;
  }
}

async function start(options: TestingOptions = {}) {
  const { testing, module, dispatcher } = await startTested(options, {}, [OrderTasks]);
  return { testing, dispatcher, tasks: module.get(OrderTasks) };
}

const states = (outcomes: readonly { state: string }[]): string[] => outcomes.map(({ state }) => state).filter((state) => state !== 'returned');

describe('durable steps on the clock of a test', () => {
  it('wait for a signal and for days', async () => {
    const { testing, dispatcher, tasks } = await start();
    const sent = await dispatcher.publish('order.pay', 'a');
    await testing.clock.advance({ hours: 1 });
    expect(tasks.done).toEqual(['charge a']);
    expect(await dispatcher.signal(sent.uuid, 'approved', 'ann')).toBe('delivered');
    await testing.clock.advance({ days: 2, hours: 23 });
    expect(tasks.done).toEqual(['charge a']);
    await testing.clock.advance({ hours: 1, seconds: 1 });
    expect(tasks.done).toEqual(['charge a', 'mail a']);
    expect(await sent.result()).toBe('ann');
    // The copy that was to look for the signal finds that the task goes on without it.
    expect(states(testing.outcomes)).toEqual(['suspended', 'suspended', 'dropped', 'succeeded']);
  });

  it('go on without a signal when its time is up', async () => {
    const { testing, dispatcher, tasks } = await start();
    await dispatcher.publish('order.pay', 'b');
    await testing.clock.advance({ days: 9, hours: 23 });
    expect(tasks.done).toEqual(['charge b']);
    await testing.clock.advance({ hours: 1, seconds: 1 });
    expect(tasks.done).toEqual(['charge b', 'mail b']);
  });

  it('are not done again where every task comes twice', async () => {
    const { testing, dispatcher, tasks } = await start({ atLeastOnce: 'always-twice' });
    const sent = await dispatcher.publish('order.pay', 'c');
    await dispatcher.signal(sent.uuid, 'approved', 'ann');
    await testing.clock.advance({ days: 4 });
    expect(tasks.done).toEqual(['charge c', 'mail c']);
    expect(states(testing.outcomes)).toContain('dropped');
  });
});
