import { Subject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DispatcherEvents } from '../../../lib/dispatcher/events/dispatcher-events.js';
import { BrokerRefusedError, BrokerUnavailableError, ConfigurationError } from '../../../lib/errors.js';
import type { DispatcherEvent, TaskFlowEvent, TaskIdentity } from '../../../lib/events/dispatcher-event.js';
import { encode, QUESTIONS } from '../../../lib/inspection/asking/messages.js';
import { EventSource } from '../../../lib/inspection/following/event-source.js';
import { Followers } from '../../../lib/inspection/following/followers.js';
import { Following } from '../../../lib/inspection/following/following.js';
import type { FollowedEvent } from '../../../lib/inspection/following/followed-event.js';
import type { FollowFilter } from '../../../lib/inspection/following/follow-filter.js';
import { decodeBatch, decodeWish } from '../../../lib/inspection/following/messages.js';
import { Redaction } from '../../../lib/inspection/redaction.js';
import { TestBus } from '../../support/test-bus.js';

const taskOf = (name: string, queue = 'q'): TaskIdentity => ({ uuid: `u-${name}`, name, attempt: 1, queue, worker: 'w' });

describe('following events', () => {
  let bus: TestBus;
  beforeEach(() => {
    vi.useFakeTimers();
    bus = new TestBus();
  });
  afterEach(() => { vi.useRealTimers(); });

  /** A process with its events, and whether anybody listens to those of every task. */
  const process = async (id: string): Promise<{ own: Subject<DispatcherEvent>; flow: Subject<TaskFlowEvent>; source: EventSource; followers: Followers }> => {
    const [own, flow] = [new Subject<DispatcherEvent>(), new Subject<TaskFlowEvent>()];
    const events = new DispatcherEvents(own, flow, () => undefined);
    const source = new EventSource({ id, host: 'h', pid: Number(id.charCodeAt(0)) }, (filter) => events.matching(filter), new Redaction());
    const followers = new Followers({ broker: bus, source, now: () => Date.now() });
    await bus.watchBroadcasts(QUESTIONS, (message) => followers.heard(message));
    onTestFinished(() => followers.stop());
    return { own, flow, source, followers };
  };
  const makeFollowing = (own?: EventSource): Following => {
    const following = new Following({ broker: bus, own, ready: () => Promise.resolve(), now: () => Date.now() });
    onTestFinished(() => following.close());
    return following;
  };
  const follow = async (filter?: FollowFilter, following = makeFollowing()): Promise<{ seen: FollowedEvent[]; stop: () => void }> => {
    const seen: FollowedEvent[] = [];
    const subscription = following.events(filter).subscribe((event) => seen.push(event));
    await vi.advanceTimersByTimeAsync(10);
    return { seen, stop: () => subscription.unsubscribe() };
  };
  const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

  it('tells of all processes, each by its name, and makes and sends nothing where nobody follows', async () => {
    const [a, b] = [await process('a'), await process('b')];
    a.own.next({ type: 'worker.started', worker: 'w', queue: 'q' });
    await pass(5_000);
    expect(bus.sent).toEqual([]);
    const { seen, stop } = await follow();
    a.own.next({ type: 'worker.started', worker: 'w', queue: 'q' });
    b.own.next({ type: 'broker.warning', message: 'unusual' });
    expect(a.flow.observed).toBe(false);
    await pass(600);
    expect(seen.map(({ process: id, pid, type, level, origin, text }) => [id, pid, type, level, origin, text])).toEqual([
      ['a', 97, 'worker.started', 'log', 'worker', 'Worker "w" consumes the queue "q".'], ['b', 98, 'broker.warning', 'warn', 'connection', 'unusual'],
    ]);
    expect(seen[0]).toMatchObject({ fields: { worker: 'w', queue: 'q' } });
    stop();
    await pass(10);
    bus.sent.length = 0;
    a.own.next({ type: 'worker.stopped', worker: 'w', queue: 'q' });
    await pass(60_000);
    expect(bus.sent).toEqual([]);
    expect(a.own.observed).toBe(false);
  });

  it('makes the events of every task while somebody follows those, and forgets within 15 s who has died', async () => {
    const { own, flow } = await process('a');
    const { seen } = await follow({ type: 'task.s*', name: 'mail.*', queue: 'q' });
    expect(flow.observed).toBe(true);
    flow.next({ type: 'task.started', task: taskOf('mail.send') });
    flow.next({ type: 'task.succeeded', task: taskOf('mail.send'), durationMs: 3 });
    flow.next({ type: 'task.succeeded', task: taskOf('other'), durationMs: 3 });
    flow.next({ type: 'task.succeeded', task: taskOf('mail.send', 'elsewhere'), durationMs: 3 });
    flow.next({ type: 'task.published', task: { uuid: 'u', name: 'mail.send' }, routingKey: 'k', durationMs: 1 });
    own.next({ type: 'task.failed', task: taskOf('mail.send'), error: 1, durationMs: 5 });
    await pass(30_000);
    expect(seen.map(({ type, task }) => `${type} ${task?.name} ${task?.uuid}`)).toEqual(['task.started mail.send u-mail.send', 'task.succeeded mail.send u-mail.send']);
    expect(flow.observed).toBe(true);
    // It says nothing any more.
    bus.broken = new BrokerUnavailableError('away');
    await pass(14_500);
    expect(flow.observed).toBe(false);
    bus.broken = undefined;
    await pass(4_000);
    expect(flow.observed).toBe(true);
  });

  it('tells no more than fits, and how many there were more', async () => {
    const { own } = await process('a');
    const { seen } = await follow();
    for (let index = 0; index < 100; index++) own.next({ type: 'broker.warning', message: String(index) });
    await pass(600);
    // 50 a second, half a second.
    expect(seen.map(({ text }) => text)).toEqual(Array.from({ length: 25 }, (_, index) => String(index)));
    expect(seen.map(({ dropped }) => dropped).filter((dropped) => dropped !== undefined)).toEqual([75]);
    expect(seen.at(-1)?.dropped).toBe(75);
    await pass(1_000);
    seen.length = 0;
    // A single process that tells anything may tell more.
    for (let index = 0; index < 1_000; index++) own.next({ type: 'broker.warning', message: 'x'.repeat(10) });
    await pass(600);
    expect(seen).toHaveLength(250);
    seen.length = 0;
    for (let index = 0; index < 250; index++) own.next({ type: 'broker.warning', message: 'x'.repeat(5_000) });
    await pass(600);
    expect(Buffer.byteLength(JSON.stringify(seen))).toBeLessThan(80 * 1024);
    expect(seen.at(-1)?.dropped).toBe(250 - seen.length);
    expect(seen[0]?.text.length).toBeLessThan(1_050);
  });

  it('shares what it asks for among those that tell', async () => {
    const followed = makeFollowing();
    await follow({}, followed);
    const wishes: number[] = [];
    await bus.watchBroadcasts(QUESTIONS, (message) => wishes.push(decodeWish(message)?.perSecond ?? -1));
    await pass(1_000);
    const [topic] = [...bus.listeners.keys()].filter((one) => one.startsWith('events.'));
    for (let index = 0; index < 500; index++) await bus.broadcast(topic as string, encode({ process: `p${index}`, host: 'h', pid: 1, events: [] }));
    await pass(4_000);
    expect(wishes).toEqual([50, 4]);
  });

  it('tells of this process while the broker is away, once, and of others what was missed when it is back', async () => {
    const [a, b] = [await process('a'), await process('b')];
    const { seen } = await follow({}, makeFollowing(a.source));
    bus.broken = new BrokerUnavailableError('away');
    a.own.next({ type: 'broker.connection-lost', error: new BrokerUnavailableError('gone') });
    b.own.next({ type: 'broker.warning', message: 'one' });
    await pass(600);
    expect(seen.map(({ process: id, type }) => `${id} ${type}`)).toEqual(['a broker.connection-lost']);
    expect(seen[0]?.fields).toEqual({ error: { name: 'BrokerUnavailableError', message: 'gone' } });
    bus.broken = undefined;
    b.own.next({ type: 'broker.warning', message: 'two' });
    a.own.next({ type: 'broker.unblocked' });
    await pass(600);
    expect(seen.slice(1).map(({ process: id, text, dropped }) => `${id} ${text} ${dropped}`).sort()).toEqual(['a The broker takes tasks again. undefined', 'b two 1']);
  });

  it('hides what stands under the name of a secret, and leaves out what is too much', async () => {
    const { own } = await process('a');
    const { seen } = await follow({ level: 'debug' });
    own.next({ type: 'circuit.closed', scope: 'task', name: 'n', worker: 'w', token: 'hunter2', nested: { password: 'hunter2' } } as DispatcherEvent);
    own.next({ type: 'worker.aborting', worker: 'w', cause: 'c', running: Array.from({ length: 200 }, (_, index) => taskOf(`t${index}`)) });
    own.next({ type: 'worker.problem', worker: 'w', message: 'm', error: new Proxy({}, { get: () => { throw new Error('hostile'); } }) });
    await pass(600);
    expect(seen.map(({ type }) => type)).toEqual(['circuit.closed', 'worker.aborting', 'worker.problem']);
    expect(seen[0]?.fields).toMatchObject({ name: 'n', token: '[hidden]', nested: { password: '[hidden]' } });
    expect(seen[1]).not.toHaveProperty('fields');
    expect(seen[2]?.fields).toMatchObject({ error: { name: 'Error' } });
    expect(JSON.stringify(seen)).not.toContain('hunter2');
  });

  it('tells as many as 16, and the next one that it does not', async () => {
    await process('a');
    const following = makeFollowing();
    for (let index = 0; index < 16; index++) await follow({}, following);
    const { seen } = await follow({}, following);
    expect(seen).toMatchObject([{ type: 'events.refused', process: 'a' }]);
  });

  it('says what a process did last, and completes when the dispatcher of the follower closes', async () => {
    const { own, followers } = await process('a');
    const following = makeFollowing();
    let completed = 0;
    following.events().subscribe({ complete: () => { completed++; } });
    const { seen } = await follow({}, following);
    own.next({ type: 'worker.stopped', worker: 'w', queue: 'q' });
    await followers.stop();
    await pass(0);
    expect(seen).toMatchObject([{ type: 'worker.stopped' }]);
    await following.close();
    expect(completed).toBe(1);
    following.events().subscribe({ complete: () => { completed++; } });
    expect(completed).toBe(2);
    expect([...bus.listeners.values()].reduce((sum, { size }) => sum + size, 0)).toBe(1);
  });

  it('ends where it may not follow, and refuses what is no filter', async () => {
    bus.broken = new BrokerRefusedError('no right');
    const errors: unknown[] = [];
    makeFollowing().events().subscribe({ error: (error: unknown) => errors.push(error) });
    await pass(0);
    expect(errors).toMatchObject([{ code: 'ERR_DISPATCHER_BROKER_REFUSED' }]);
    const following = makeFollowing();
    for (const filter of [{ level: 'loud' }, { type: [] }, { type: 7 }, { nmae: 'x' }, { queue: '' }, [], 'x'] as FollowFilter[]) expect(() => following.events(filter), JSON.stringify(filter)).toThrow(ConfigurationError);
  });

  it('takes nothing from others that is no wish or no event', () => {
    const wish = { follow: 'events.1', filter: { level: 'log' }, perSecond: 5 };
    expect(decodeWish(encode(wish))).toMatchObject(wish);
    for (const wrong of [{ follow: 'questions' }, { filter: { level: 'log', types: [] } }, { filter: { level: 'x' } }, { perSecond: 'many' }, { filter: { level: 'log', name: 'x'.repeat(501) } }]) expect(decodeWish(encode({ ...wish, ...wrong }))).toBeUndefined();
    const event = { type: 't', level: 'log', origin: 'task', at: 1, text: 'x' };
    const batch = { process: 'a', host: 'h', pid: 1, events: [event] };
    expect(decodeBatch(encode(batch))).toMatchObject(batch);
    for (const wrong of [{ events: [{ ...event, level: 'loud' }] }, { events: [{ ...event, at: '1' }] }, { events: {} }, { pid: 'x' }, { dropped: '1' }]) expect(decodeBatch(encode({ ...batch, ...wrong }))).toBeUndefined();
  });
});
