import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Asker } from '../../../lib/inspection/asking/asker.js';
import { decodeAnswer, decodeQuestion, encode, encodeAnswer, QUESTIONS, type Answer, type Question, type QueuePart } from '../../../lib/inspection/asking/messages.js';
import { OverviewAsker } from '../../../lib/inspection/asking/overview-asker.js';
import { Responder } from '../../../lib/inspection/asking/responder.js';
import { ToldParts, type TellingOf } from '../../../lib/inspection/asking/told-parts.js';
import type { ProcessInfo, QueueMinute, RunningTaskInfo } from '../../../lib/inspection/model.js';
import { TestBus } from '../../support/test-bus.js';

const MINUTE = 60_000;
const NOW = 100 * MINUTE + 5_000;
const minute = (at: number, received = 1): QueueMinute => ({ at: at * MINUTE, received, succeeded: received, failed: 0, retried: 0, busyMs: 1 });
const info = (id: string, change: Partial<ProcessInfo> = {}): ProcessInfo => ({
  id, status: 'alive', seenAt: Date.now(), host: 'h', pid: 1, role: 'both', versions: { dispatcher: '1', node: '2' }, startedAt: 1, memory: { rssBytes: 1, heapBytes: 1 }, cpu: 0,
  eventLoopLagMs: { p50: 0, p99: 0 }, connection: 'ready', workers: [], running: [], ...change,
});
const run = (process: string, startedAt: number): RunningTaskInfo => ({ process, host: 'h', pid: 1, worker: 'w', queue: 'q', uuid: `${process}-${startedAt}`, name: 'n', attempt: 1, startedAt, runningMs: 1, argsBytes: 0, args: [{ type: 'int', value: 1 }] });
const part = (queue: string, history: readonly QueueMinute[], worker: string | undefined = 'w'): QueuePart => ({ queue, ...(worker === undefined ? {} : { worker }), running: 1, waiting: 0, consuming: true, history });

describe('an overview', () => {
  let bus: TestBus;
  let questions: Question[];
  beforeEach(() => {
    vi.useFakeTimers({ now: NOW });
    bus = new TestBus();
    questions = [];
    void bus.watchBroadcasts(QUESTIONS, (message) => questions.push(decodeQuestion(message) as Question));
  });
  afterEach(() => { vi.useRealTimers(); });

  const responder = async (id: string, answer: (question: Question) => Answer): Promise<Responder> => {
    const made = new Responder({ broker: bus, id, answer, handedOver: () => undefined, other: () => undefined, problem: () => undefined });
    await made.start();
    onTestFinished(() => made.stop());
    return made;
  };
  const present = (id: string, history = [minute(98), minute(100)]): Promise<Responder> => responder(id, ({ id: of, also }) => ({
    id: of, process: id, items: [info(id, also?.running === undefined ? { running: [run(id, 5)] } : {})],
    also: { queues: [part('q', history.filter(({ at }) => at >= (also?.since ?? 0)))], ...(also?.running === undefined ? {} : { running: [run(id, 5), run(id, 7)] }) },
  }));
  /** One of an older version: it answers single questions, and pays no heed to what it does not know. */
  const older = async (id: string): Promise<void> => {
    const items = { processes: [info(id, { running: [run(id, 6)] })], queues: [part('old', [minute(99)], undefined)], running: [run(id, 6)] };
    await bus.watchBroadcasts(QUESTIONS, (message) => {
      const { id: of, to, kind } = decodeQuestion(message) as Question;
      void bus.broadcast(to, encodeAnswer({ id: of, process: id, items: items[kind as keyof typeof items] }, 1_000_000));
    });
  };
  const asker = (): { overview: OverviewAsker; known: Asker['known'] } => {
    const made = new Asker({ broker: bus, id: 'a', own: () => undefined, now: () => Date.now() });
    onTestFinished(() => made.close());
    return { overview: new OverviewAsker(made, () => Date.now()), known: made.known };
  };
  const look = async (overview: OverviewAsker, running?: number, passMs = 1_000): ReturnType<OverviewAsker['ask']> => {
    const asking = overview.ask(running, 1_000);
    await vi.advanceTimersByTimeAsync(passMs);
    return asking;
  };

  it('is one question to each process, whatever is asked for, and the minutes that are known are not told again', async () => {
    await present('a');
    await present('b');
    const { overview, known } = asker();
    const { parts, running } = await look(overview);
    expect(running).toBeUndefined();
    expect(parts.map(({ history }) => history.map(({ at }) => at / MINUTE))).toEqual([[98, 100], [98, 100]]);
    expect(known.list(Date.now()).map(({ running: runs }) => runs.length)).toEqual([1, 1]);
    expect((await look(overview, 3, 0)).running?.map(({ uuid }) => uuid)).toEqual(['a-5', 'b-5', 'a-7']);
    // What it ran is known of each process all the same, should it be lost.
    expect(known.list(Date.now()).map(({ running: runs }) => runs.map(({ uuid, args }) => [uuid, args]))).toEqual([[['a-5', undefined], ['a-7', undefined]], [['b-5', undefined], ['b-7', undefined]]]);
    expect(questions.map(({ kind, also }) => [kind, also])).toEqual([['processes', {}], ['processes', { since: 100 * MINUTE, running: 3 }]]);
    expect((await look(overview, undefined, 0)).parts.map(({ history }) => history.map(({ at }) => at / MINUTE))).toEqual([[98, 100], [98, 100]]);
  });

  it('saves the pulse for whoever looks often', async () => {
    await present('a');
    const { overview } = asker();
    for (let second = 0; second < 20; second++) await look(overview);
    expect(questions).toHaveLength(20);
  });

  it('asks processes of an older version what they know of, and them alone', async () => {
    await present('a');
    await older('old');
    const { overview } = asker();
    expect((await look(overview, 10)).running?.map(({ uuid }) => uuid)).toEqual(['a-5', 'old-6', 'a-7']);
    const { parts } = await look(overview, undefined, 0);
    expect(parts.map(({ queue, history }) => [queue, history.length])).toEqual([['q', 2], ['old', 1]]);
    expect(questions.map(({ kind, unless }) => [kind, unless])).toEqual([['processes', undefined], ['queues', 'also'], ['running', 'also'], ['processes', undefined], ['queues', 'also']]);
    // Those that are silent have answered already, and are no less alive.
    await vi.advanceTimersByTimeAsync(20_000);
    expect((await look(overview, undefined, 0)).parts).toHaveLength(2);
  });

  it('is understood by those of an older version, who ask single questions', async () => {
    await present('a');
    const found: unknown[] = [];
    await bus.watchBroadcasts('answers.old', (message) => found.push(decodeAnswer(message, () => 'processes')?.items));
    await bus.broadcast(QUESTIONS, encode({ id: '1', to: 'answers.old', kind: 'processes' }));
    await vi.advanceTimersByTimeAsync(0);
    expect(found).toMatchObject([[{ id: 'a' }]]);
  });

  it('shows of one that is late what it told before, and nothing of one that has gone', async () => {
    const gone = await present('a');
    let isLate = false;
    await responder('b', ({ id, also }) => (isLate ? { id, process: 'b', busy: true, items: [] } : { id, process: 'b', items: [info('b')], also: { queues: [part('late', also?.since === undefined ? [minute(97)] : [])] } }));
    const { overview } = asker();
    await look(overview);
    isLate = true;
    expect((await look(overview, undefined, 0)).parts.map(({ queue }) => queue)).toEqual(['q', 'late']);
    await gone.stop();
    await vi.advanceTimersByTimeAsync(0);
    expect((await look(overview, undefined, 0)).parts.map(({ queue, history }) => [queue, history.length])).toEqual([['late', 1]]);
  });

  it('is told by this process alone while the broker is away', async () => {
    const own = new Asker({ broker: bus, id: 'a', own: ({ id }) => ({ id, process: 'a', items: [info('a')], also: { queues: [part('own', [])] } }), now: () => Date.now() });
    onTestFinished(() => own.close());
    bus.broken = new Error('away');
    expect((await look(new OverviewAsker(own, () => Date.now()))).parts.map(({ queue }) => queue)).toEqual(['own']);
  });
});

describe('messages of an overview', () => {
  const answer: Answer = { id: 'q', process: 'b', items: [info('b')], also: { queues: [part('q', [minute(1)])], running: Array.from({ length: 50 }, (_, index) => run('b', index)) } };

  it('travel whole, and are cut to what a message holds, and say so', () => {
    expect(decodeAnswer(encodeAnswer(answer, 100_000), () => 'processes')).toEqual({ v: 1, ...answer });
    const encoded = encodeAnswer(answer, 3_000);
    expect(encoded.length).toBeLessThanOrEqual(3_000);
    const { items, also, cut } = decodeAnswer(encoded, () => 'processes') as Answer;
    expect([items.length, also?.queues.length, cut]).toEqual([1, 1, true]);
    expect(also?.running?.length).toSatisfy((length: number) => length > 2 && length < 50);
  });

  it.each([null, 5, [], { queues: 5 }, { queues: [{}] }, { queues: [], running: [{}] }])('are ignored where what is told besides is %j', (also) => {
    expect(decodeAnswer(encode({ id: 'q', process: 'b', items: [], also }), () => 'processes')).toBeUndefined();
  });

  it.each([null, 5, []])('are ignored where what is asked besides is %j', (also) => {
    expect(decodeQuestion(encode({ id: 'q', to: 'answers.x', kind: 'processes', also }))).toBeUndefined();
  });
});

describe('what processes have told', () => {
  const telling = (change: Partial<TellingOf>): TellingOf => ({ process: 'a', startedAt: 0, at: NOW, since: undefined, parts: [part('q', [minute(100)])], isCut: false, ...change });

  it('is asked for whole while of one of them anything is missing', () => {
    const told = new ToldParts();
    expect(told.since([])).toBeUndefined();
    told.take(telling({}));
    expect(told.since(['a'])).toBe(100 * MINUTE);
    expect(told.since(['a', 'new'])).toBeUndefined();
    // It was not known when it was asked for the last minutes alone, and is older than they are.
    told.take(telling({ process: 'new', since: 99 * MINUTE }));
    expect(told.since(['a', 'new'])).toBeUndefined();
    told.take(telling({ process: 'new', since: 99 * MINUTE, startedAt: 99 * MINUTE + 1 }));
    expect(told.since(['a', 'new'])).toBe(100 * MINUTE);
    told.take(telling({ process: 'new', at: NOW + 3 * MINUTE, since: 100 * MINUTE }));
    expect(told.since(['a', 'new'])).toBe(100 * MINUTE);
  });

  it('is put together by minutes, no more than an hour of them', () => {
    const told = new ToldParts();
    told.take(telling({ parts: [part('q', [minute(50), minute(99), minute(100, 1)])] }));
    told.take(telling({ at: NOW + 15 * MINUTE, since: 100 * MINUTE, parts: [part('q', [minute(100, 9), minute(115)])] }));
    expect(told.of(['a'])[0]?.history.map(({ at, received }) => [at / MINUTE, received])).toEqual([[99, 1], [100, 9], [115, 1]]);
  });

  it('is kept where an answer was cut, and asked for again', () => {
    const told = new ToldParts();
    told.take(telling({ parts: [part('q', [minute(99)], 'w1'), part('q2', [minute(99)], 'w2')] }));
    told.take(telling({ at: NOW + 2 * MINUTE, since: 100 * MINUTE, isCut: true, parts: [part('q', [minute(101)], 'w1')] }));
    expect(told.of(['a']).map(({ queue, history }) => [queue, history.length])).toEqual([['q', 2], ['q2', 1]]);
    expect(told.since(['a'])).toBe(100 * MINUTE);
  });
});
