import { Subject, take } from 'rxjs';
import { describe, expect, it } from 'vitest';
import { BrokerUnavailableError, ConfigurationError, type DispatcherEvent, type EventFilter, type EventOf, type TaskFlowEvent } from '../../../../lib/index.js';
import { DispatcherEvents } from '../../../../lib/dispatcher/events/dispatcher-events.js';
import { Arrivals, Signal } from '../../../support/wait.js';

const task = { uuid: 'u1', name: 'add', attempt: 1, queue: 'q', worker: 'w' };
const LOST: DispatcherEvent = { type: 'broker.connection-lost', error: new BrokerUnavailableError('gone') };
const STARTED: DispatcherEvent = { type: 'worker.started', worker: 'w', queue: 'q' };
const FAILED: DispatcherEvent = { type: 'task.failed', task, error: new Error('oops'), durationMs: 5 };
const DEAD: DispatcherEvent = { type: 'task.dead-lettered', task, reason: 'failed', error: new Error('oops') };

function make() {
  const source = new Subject<DispatcherEvent>();
  const taskFlow = new Subject<TaskFlowEvent>();
  const errors: unknown[] = [];
  return { source, taskFlow, events: new DispatcherEvents(source, taskFlow, (error) => errors.push(error)), errors };
}

/** Types that must be the same, or the type check fails. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
const proofs: [Same<EventOf<'task.expired'>['expiresAt'], number>, Same<EventOf<'task.expired'>['level'], 'debug' | 'log' | 'warn' | 'error'>] = [true, true];

describe('events', () => {
  it('say how much they matter, where they come from and when', () => {
    expect(proofs).not.toContain(false);
    const { source, events } = make();
    const seen: unknown[] = [];
    const before = Date.now();
    events.matching().subscribe(({ type, level, origin, at }) => seen.push([type, level, origin, at >= before]));
    for (const event of [LOST, STARTED, FAILED, DEAD]) source.next(event);
    expect(seen).toEqual([
      ['broker.connection-lost', 'warn', 'connection', true], ['worker.started', 'log', 'worker', true],
      ['task.failed', 'debug', 'task', true], ['task.dead-lettered', 'error', 'task', true],
    ]);
  });

  it.each([
    [{}, 4], [{ level: 'warn' }, 2], [{ level: 'error' }, 1], [{ origin: 'task' }, 2], [{ origin: ['worker', 'connection'] }, 2],
    [{ type: 'task.failed' }, 1], [{ type: ['task.failed', 'worker.started'] }, 2], [{ level: 'warn', origin: 'task' }, 1], [{ level: 'error', origin: 'worker' }, 0],
  ] as const)('pass the filter %o', (filter, count) => {
    const { source, events } = make();
    const seen: unknown[] = [];
    events.matching(filter).subscribe((event) => seen.push(event));
    for (const event of [LOST, STARTED, FAILED, DEAD]) source.next(event);
    expect(seen).toHaveLength(count);
  });

  it.each<[EventFilter, boolean]>([
    [{}, true], [{ level: 'debug' }, true], [{ origin: 'task' }, true], [{ origin: ['worker', 'task'] }, true], [{ type: 'task.started' }, true],
    [{ type: ['task.failed', 'task.succeeded'] }, true], [{ level: 'log' }, false], [{ origin: 'worker' }, false], [{ type: 'task.failed' }, false],
  ])('of every task are made only for a filter that wants them: %o', (filter, wanted) => {
    const { taskFlow, events } = make();
    const subscription = events.matching(filter).subscribe();
    events.all.subscribe();
    expect(taskFlow.observed).toBe(wanted);
    subscription.unsubscribe();
    expect(taskFlow.observed).toBe(false);
  });

  it('of every task are stamped, and end with the others', () => {
    const { source, taskFlow, events } = make();
    const seen: unknown[] = [];
    events.matching({ type: 'task.started' }).subscribe({ next: ({ type, level, origin }) => seen.push([type, level, origin]), complete: () => seen.push('end') });
    taskFlow.next({ type: 'task.published', task, routingKey: 'key', durationMs: 1 });
    taskFlow.next({ type: 'task.started', task });
    taskFlow.complete();
    source.complete();
    expect(seen).toEqual([['task.started', 'debug', 'task'], 'end']);
  });

  it('refuse a filter that nothing can pass by mistake', () => {
    const { events } = make();
    expect(() => events.matching({ level: 'warning' as never })).toThrow(/level "warning"; expected one of debug, log, warn, error/);
    expect(() => events.matching({ origin: 'tasks' as never })).toThrow(/origin "tasks"/);
    expect(() => events.matching({ levels: 'warn' } as never)).toThrow(ConfigurationError);
    expect(() => events.listen(() => undefined, { maxWaiting: 0 })).toThrow(/maxWaiting of listen/);
  });

  it('go on for others when a listener throws, and end with their source', () => {
    const { source, taskFlow, events, errors } = make();
    const seen: unknown[] = [];
    const ends: string[] = [];
    events.matching().subscribe(() => { throw new Error('a bad listener'); });
    events.matching().subscribe({ next: (event) => seen.push(event.type), complete: () => { ends.push('complete'); throw new Error('a bad end'); } });
    events.matching().pipe(take(1)).subscribe({ complete: () => ends.push('taken') });
    source.next(LOST);
    source.next(DEAD);
    source.complete();
    taskFlow.complete();
    expect(seen).toEqual(['broker.connection-lost', 'task.dead-lettered']);
    expect(ends).toEqual(['taken', 'complete']);
    expect(errors.map(String)).toEqual(['Error: a bad listener', 'Error: a bad listener', 'Error: a bad end']);
  });
});

describe('a listener that takes its time', () => {
  it('gets one event at a time, and misses those that find too many waiting', async () => {
    const { source, events } = make();
    const seen = new Arrivals<string>();
    const gates: Signal[] = [];
    const listening = events.listen(async ({ type }) => {
      seen.add(type);
      const gate = new Signal();
      gates.push(gate);
      await gate.promise;
    }, { maxWaiting: 2 });
    source.next(LOST);
    await seen.count(1);
    for (let i = 0; i < 5; i++) source.next(STARTED);
    expect(listening.dropped).toBe(3);
    gates[0]?.fire();
    await seen.count(2);
    gates[1]?.fire();
    await seen.count(3);
    gates[2]?.fire();
    expect(seen.all).toEqual(['broker.connection-lost', 'worker.started', 'worker.started']);
  });

  it('goes on after it has failed, and hears nothing once it is stopped', async () => {
    const { source, events, errors } = make();
    const seen = new Arrivals<string>();
    const listening = events.listen(({ type }) => {
      seen.add(type);
      return Promise.reject(new Error('oops'));
    }, {});
    source.next(LOST);
    source.next(DEAD);
    await seen.count(2);
    listening.stop();
    listening.stop();
    source.next(STARTED);
    await Promise.resolve();
    expect(seen.all).toHaveLength(2);
    expect(errors.map(String)).toEqual(['Error: oops', 'Error: oops']);
    expect(source.observed).toBe(false);
  });
});
