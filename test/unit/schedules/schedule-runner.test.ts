import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BrokerUnavailableError, UnroutableTaskError } from '../../../lib/errors.js';
import type { DispatcherEvent } from '../../../lib/events/dispatcher-event.js';
import { checkScheduleInput } from '../../../lib/schedules/check-schedule.js';
import { storedCursor, encodeCursor, type Cursor, type StoredCursor } from '../../../lib/schedules/cursor.js';
import type { MissedTicks } from '../../../lib/schedules/due-ticks.js';
import { ScheduleRunner, TAKEOVER_MS } from '../../../lib/schedules/schedule-runner.js';
import { TickSender } from '../../../lib/schedules/tick-sender.js';
import type { TaskHeaders, TaskInput } from '../../../lib/task/task.js';

const START = Date.parse('2026-05-01T00:00:00Z');
const SECOND = 1000;

/** The cursor of one schedule, as a backend keeps it; a process may lose its connection to it. */
class SharedCursor {
  bytes: Buffer | undefined;
  fails = false;
  /** How long a question is on its way. */
  answersAfterMs = 0;

  get cursor(): Cursor | undefined { return this.bytes && storedCursor(this.bytes).cursor; }

  async readCursor(): Promise<StoredCursor | undefined> {
    await this.answer();
    return this.bytes === undefined ? undefined : storedCursor(this.bytes);
  }

  async createCursor(_name: string, cursor: Cursor): Promise<StoredCursor> {
    await this.answer();
    this.bytes ??= encodeCursor(cursor);
    return this.bytes.equals(encodeCursor(cursor)) ? { cursor, bytes: this.bytes } : storedCursor(this.bytes);
  }

  async replaceCursor(name: string, expected: StoredCursor | undefined, cursor: Cursor): Promise<StoredCursor | undefined> {
    await this.answer();
    if (expected === undefined) {
      const created = await this.createCursor(name, cursor);
      return created.cursor === cursor ? created : undefined;
    }
    if (this.bytes?.equals(expected.bytes) !== true) return undefined;
    this.bytes = encodeCursor(cursor);
    return { cursor, bytes: this.bytes };
  }

  private async answer(): Promise<void> {
    if (this.fails) throw new BrokerUnavailableError('away');
    if (this.answersAfterMs > 0) await new Promise((resolve) => setTimeout(resolve, this.answersAfterMs));
  }
}

class Publisher {
  readonly sent: { uuid: string; headers: TaskHeaders }[] = [];
  onPublish: () => Promise<void> = () => Promise.resolve();
  publish(): Promise<{ uuid: string }> { return Promise.reject(new Error('not in these tests')); }

  async publishTick({ uuid = '' }: TaskInput, headers: TaskHeaders): Promise<void> {
    await this.onPublish();
    this.sent.push({ uuid, headers });
  }

  ticks(): number[] { return this.sent.map(({ headers }) => ((headers['x-dispatcher-tick'] as number) - START) / SECOND); }
}

const shared = { cursor: new SharedCursor() };
let runners: ScheduleRunner[] = [];
let events: DispatcherEvent[] = [];
let canPublish = true;
const publisher = { all: new Publisher() };

beforeEach(() => {
  vi.useFakeTimers({ now: START });
  [shared.cursor, publisher.all, runners, events, canPublish] = [new SharedCursor(), new Publisher(), [], [], true];
});

afterEach(async () => {
  for (const runner of runners) runner.stop();
  await vi.runAllTimersAsync();
  await Promise.all(runners.map(({ ended }) => ended));
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

interface Given { name?: string; cron?: string; missed?: MissedTicks; from?: number; to?: Publisher; random?: () => number }

function start({ name = 'it', cron = '* * * * * *', missed, from, to = publisher.all, random = () => 0.5 }: Given = {}): ScheduleRunner {
  const number = runners.length;
  const runner = new ScheduleRunner(checkScheduleInput({ name, cron, missed, task: 'work' }), from, {
    store: shared.cursor, sender: new TickSender('exchange', to), canPublish: () => canPublish, emit: (event) => { events.push(event); },
    now: () => Date.now(), elapsed: () => performance.now(), random, newOwner: () => `owner-${number}`, by: `process-${number}`, inTurn: (work) => work(),
  });
  runners.push(runner);
  return runner;
}

const seconds = (count: number): Promise<unknown> => vi.advanceTimersByTimeAsync(count * SECOND);

describe('a schedule that one process fires', () => {
  it('publishes each tick once it has come, with the uuid of the tick', async () => {
    start();
    await seconds(0.9);
    expect(publisher.all.sent).toEqual([]);
    await seconds(4.2);
    expect(publisher.all.ticks()).toEqual([1, 2, 3, 4, 5]);
    expect(new Set(publisher.all.sent.map(({ uuid }) => uuid)).size).toBe(5);
    expect(publisher.all.sent[0]?.headers).toMatchObject({ 'x-dispatcher-schedule': 'it', 'x-dispatcher-tick': START + SECOND });
    expect(events.every(({ type }) => type === 'schedule.fired')).toBe(true);
  });

  it('goes on after the last tick that was published before a restart', async () => {
    shared.cursor.bytes = encodeCursor({ tick: START - 5 * SECOND, state: 'done', owner: 'gone', text: '* * * * * * UTC' });
    start();
    await seconds(1.2);
    expect(publisher.all.ticks()).toEqual([-4, -3, -2, -1, 0, 1]);
  });

  it.each([['skip', []], ['once', [0]], ['all', [-2, -1, 0]]] as const)('after a long absence: %s', async (missed, days) => {
    const DAY = 86_400;
    vi.setSystemTime(START + 3_600 * SECOND);
    shared.cursor.bytes = encodeCursor({ tick: START - 3 * DAY * SECOND, state: 'done', owner: 'gone', text: '@daily UTC' });
    start({ cron: '@daily', missed });
    await seconds(2);
    expect(publisher.all.ticks().map((tick) => tick / DAY)).toEqual(days);
    expect(events.filter(({ type }) => type === 'schedule.missed')).toHaveLength(missed === 'all' ? 0 : 1);
  });

  it('fires nothing of the past where its text was changed', async () => {
    shared.cursor.bytes = encodeCursor({ tick: START - 30 * SECOND, state: 'done', owner: 'gone', text: '@daily UTC' });
    start({ missed: 'all' });
    await seconds(2.5);
    expect(publisher.all.ticks()).toEqual([1, 2]);
  });

  it('fires nothing before it was added or resumed', async () => {
    shared.cursor.bytes = encodeCursor({ tick: START - 30 * SECOND, state: 'done', owner: 'gone', text: '* * * * * * UTC' });
    start({ from: START, missed: 'all' });
    await seconds(1.5);
    expect(publisher.all.ticks()).toEqual([1]);
  });

  it('follows a clock that is put forward, and fires nothing twice where it is put back', async () => {
    start({ cron: '0 * * * *' });
    await seconds(60);
    vi.setSystemTime(START + 3_605 * SECOND);
    await seconds(16);
    expect(publisher.all.ticks()).toEqual([3_600]);
    vi.setSystemTime(START + 3_500 * SECOND);
    await seconds(200);
    expect(publisher.all.ticks()).toEqual([3_600]);
  });

  it('says so when its ticks were counted by a clock far ahead', async () => {
    shared.cursor.bytes = encodeCursor({ tick: START + 86_400 * SECOND, state: 'done', owner: 'gone', text: '* * * * * * UTC' });
    start();
    await seconds(3);
    expect(events).toMatchObject([{ type: 'schedule.problem', schedule: 'it' }]);
    expect(publisher.all.sent).toEqual([]);
  });

  it('does not fire nine ticks at once where it was restarted after 45 s', async () => {
    shared.cursor.bytes = encodeCursor({ tick: START - 45 * SECOND, state: 'done', owner: 'gone', text: '*/5 * * * * * UTC' });
    start({ cron: '*/5 * * * * *' });
    await seconds(2);
    expect(publisher.all.ticks()).toEqual([0]);
    expect(events.find(({ type }) => type === 'schedule.missed')).toMatchObject({ count: 8, first: START - 40 * SECOND, last: START - 5 * SECOND });
  });

  it('waits while the broker takes no tasks, and fires the latest tick when it is back, or all where no tick is to be lost', async () => {
    start();
    await seconds(1.5);
    canPublish = false;
    await seconds(10);
    expect(publisher.all.ticks()).toEqual([1]);
    canPublish = true;
    await seconds(2);
    expect(publisher.all.ticks()[1]).toBeGreaterThanOrEqual(11);
    expect(events.filter(({ type }) => type === 'schedule.missed')).toHaveLength(1);
  });

  it('waits while the broker takes no tasks, and loses no tick where all are wanted', async () => {
    start({ missed: 'all' });
    await seconds(1.5);
    canPublish = false;
    await seconds(10);
    expect(publisher.all.ticks()).toEqual([1]);
    canPublish = true;
    await seconds(2);
    expect(publisher.all.ticks()).toEqual(Array.from({ length: publisher.all.sent.length }, (_, index) => index + 1));
    expect(publisher.all.sent.length).toBeGreaterThanOrEqual(12);
  });

  it('publishes a tick again under its uuid when the outcome is unknown', async () => {
    let fails = 2;
    publisher.all.onPublish = () => (fails-- > 0 ? Promise.reject(new BrokerUnavailableError('away')) : Promise.resolve());
    start();
    await seconds(8);
    expect(publisher.all.ticks().slice(0, 3)).toEqual([1, 2, 3]);
    expect(events.filter(({ type }) => type === 'schedule.problem')).toHaveLength(1);
  });

  it('gives up a tick that can never be published, says so, and goes on with the next', async () => {
    let fails = 1;
    publisher.all.onPublish = () => (fails-- > 0 ? Promise.reject(new UnroutableTaskError('no queue')) : Promise.resolve());
    start();
    await seconds(3.5);
    expect(publisher.all.ticks()).toEqual([2, 3]);
    expect(events.filter(({ type }) => type === 'schedule.failed')).toMatchObject([{ schedule: 'it', taskName: 'work', tick: START + SECOND }]);
  });

  it('keeps the last ten ticks that were fired, the latest first, with why one could not be', async () => {
    let fails = 1;
    publisher.all.onPublish = () => (fails-- > 0 ? Promise.reject(new UnroutableTaskError('no queue')) : Promise.resolve());
    start();
    await seconds(3.5);
    const recent = (): [number, string | undefined][] => (shared.cursor.cursor?.recent ?? []).map(({ tick, error }) => [(tick - START) / SECOND, error]);
    expect(recent()).toEqual([[3, undefined], [2, undefined], [1, expect.stringContaining('no queue')]]);
    await seconds(10);
    expect(recent().map(([tick]) => tick)).toEqual([13, 12, 11, 10, 9, 8, 7, 6, 5, 4]);
    expect(shared.cursor.cursor?.fired?.tick).toBe(START + 13 * SECOND);
  });

  it.each(['nonsense', [null, 7, { tick: 'x', by: 'y' }], 5])('goes on where what is kept of the past is %j', async (recent) => {
    shared.cursor.bytes = Buffer.from(JSON.stringify({ tick: START, state: 'done', owner: 'gone', text: '* * * * * * UTC', recent }));
    start();
    await seconds(2.5);
    expect(publisher.all.ticks()).toEqual([1, 2]);
    expect(shared.cursor.cursor?.recent).toHaveLength(2);
  });

  it('loses no tick while the shared state is away, nor when it has forgotten everything', async () => {
    start({ missed: 'all' });
    await seconds(2.5);
    shared.cursor.fails = true;
    await seconds(5);
    [shared.cursor.fails, shared.cursor.bytes] = [false, undefined];
    await seconds(10);
    expect(publisher.all.ticks()).toEqual(Array.from({ length: publisher.all.sent.length }, (_, index) => index + 1));
    expect(publisher.all.sent.length).toBeGreaterThanOrEqual(14);
  });

  it('replaces what is no cursor', async () => {
    shared.cursor.bytes = Buffer.from('no cursor');
    start();
    await seconds(2.9);
    expect(publisher.all.ticks()).toEqual([1, 2]);
  });
});

describe('a schedule that several processes fire', () => {
  it('is fired once for each tick', async () => {
    for (let index = 0; index < 5; index++) start({ random: () => index / 5 });
    await seconds(20.5);
    expect(publisher.all.ticks()).toEqual(Array.from({ length: 20 }, (_, index) => index + 1));
  });

  it('is fired once also where two find the same tick at the same moment', async () => {
    shared.cursor.bytes = encodeCursor({ tick: START, state: 'done', owner: 'gone', text: '* * * * * * UTC' });
    shared.cursor.answersAfterMs = 50;
    for (let index = 0; index < 3; index++) start();
    await seconds(1.9);
    expect(publisher.all.ticks()).toEqual([1]);
  });

  it('is fired by others when the one whose turn it was is gone', async () => {
    const first = start({ random: () => 0 });
    start();
    await seconds(3.5);
    first.stop();
    await seconds(5);
    expect(publisher.all.ticks()).toEqual([1, 2, 3, 4, 5, 6, 7, 8].slice(0, publisher.all.sent.length));
    expect(publisher.all.sent.length).toBeGreaterThanOrEqual(7);
  });

  it('loses no tick whose claim was never followed by its publishing: another publishes it under the same uuid', async () => {
    const hangs = new Publisher();
    hangs.onPublish = () => new Promise(() => undefined);
    runners.push(start({ to: hangs, random: () => 0 }));
    await seconds(1.5);
    expect(shared.cursor.cursor).toMatchObject({ state: 'claimed', owner: 'owner-0', tick: START + SECOND });
    runners = [];
    start();
    await seconds(TAKEOVER_MS / SECOND + 4);
    expect(publisher.all.ticks().slice(0, 4)).toEqual([1, 2, 3, 4]);
  });
});
