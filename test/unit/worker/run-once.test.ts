import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DispatcherEvent, TaskFlowEvent } from '../../../lib/events/dispatcher-event.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import { Header } from '../../../lib/task/headers.js';
import { SucceedEarly } from '../../../lib/task/verdicts.js';
import { onceTimes } from '../../../lib/worker/gates/once/once-times.js';
import type { Entrance, TaskEnd, TaskGate } from '../../../lib/worker/gates/task-gate.js';
import { GiveBack } from '../../../lib/worker/give-back.js';
import type { LeaseGate } from '../../../lib/worker/lease/lease-gate.js';
import { TaskLimits } from '../../../lib/worker/limits/task-limits.js';
import { TaskWorker } from '../../../lib/worker/task-worker.js';
import type { WorkerActivity } from '../../../lib/worker/worker.js';
import { ScriptedBroker, ScriptedDelivery } from '../../support/scripted-broker.js';

const quiet = { log() {}, warn() {}, error() {}, debug() {} };
const TIMEOUT_SECONDS = 8;
const LEASE_AFTER_MS = 4_000;
const PLACES = 3;
const ENDS: readonly string[] = ['task.succeeded', 'task.retrying', 'task.returned', 'task.dead-lettered', 'task.cancelled', 'task.dropped'];

/** What somebody asked, and has not been answered yet; once `open`, everything is answered at once. */
class Asked<T> {
  private readonly waiting: { answer: (value: T) => void; refuse: (error: unknown) => void }[] = [];
  private open: T | undefined;

  ask(): Promise<T> {
    return this.open === undefined ? new Promise((answer, refuse) => { this.waiting.push({ answer, refuse }); }) : Promise.resolve(this.open);
  }

  answer(value: T): void { this.waiting.shift()?.answer(value); }
  refuse(error: unknown = new Error('refused')): void { this.waiting.shift()?.refuse(error); }

  openWith(value: T): void {
    this.open = value;
    for (const { answer } of this.waiting.splice(0)) answer(value);
  }
}

interface Setting { gated: boolean; results: boolean; retried: boolean; timed: boolean; limited: boolean; atOnce: 'return' | 'throw' | undefined }

/** One task on one worker, and everything that can happen to it, by hand. */
class World {
  private readonly broker = new ScriptedBroker();
  private readonly events: (DispatcherEvent | TaskFlowEvent)[] = [];
  private readonly told: TaskEnd['kind'][] = [];
  private readonly limits = new TaskLimits('a', { process: PLACES });
  private readonly handler = new Asked<unknown>();
  private readonly early = new Asked<unknown>();
  private readonly entering = new Asked<Entrance>();
  private readonly leaving = new Asked<true>();
  private readonly publishing = new Asked<true>();
  private readonly recording = new Asked<true>();
  private readonly leasing = new Asked<true>();
  private readonly deliveries: ScriptedDelivery[] = [];
  private readonly worker: TaskWorker;
  private activity: WorkerActivity | undefined;
  private calls = 0;
  private taking = false;
  /** What must not be, and was. */
  private readonly wrong: string[] = [];
  private closing: Promise<void> | undefined;

  constructor(private readonly setting: Setting) {
    const gate: TaskGate & LeaseGate = {
      name: 'scripted', times: onceTimes(), concerns: ({ leased }) => setting.gated || leased === true,
      enter: () => this.entering.ask(),
      leave: async (_visit, { kind }) => {
        if (this.taking) this.wrong.push(`told as ${kind} while it is taken over`);
        this.told.push(kind);
        await this.leaving.ask();
      },
      lease: async () => {
        if (this.told.length > 0) this.wrong.push(`taken over when it was told as ${this.told.join()}`);
        this.taking = true;
        await this.leasing.ask().catch((error: unknown) => {
          this.taking = false;
          throw error;
        });
        return { [Header.lease]: 'l' };
      },
    };
    this.broker.onPublish = async () => { await this.publishing.ask().finally(() => { this.taking = false; }); };
    const emit = (event: DispatcherEvent | TaskFlowEvent): void => { this.events.push(event); };
    this.worker = new TaskWorker({ name: 'w', queue: 'work', limit: PLACES }, {
      broker: this.broker, format: gofortFormat, emit, taskFlow: { observed: true, next: emit }, loggerFor: () => quiet, maxTaskBytes: 10_000,
      handlers: new Map([['a', {
        name: 'a', run: () => this.run(), ...(setting.timed ? { timeoutSeconds: TIMEOUT_SECONDS } : {}), ...(setting.retried ? { retry: { attempts: 2 } } : {}),
        ...(setting.limited ? { limits: this.limits } : {}),
      }]]),
      gates: [gate], lease: { gate, afterMs: LEASE_AFTER_MS },
      ...(setting.results ? { results: { of: 'all', recorder: { reaches: () => true, record: async () => { await this.recording.ask(); } } } } : {}),
    });
  }

  readonly inputs: Record<string, () => unknown> = {
    'the handler returns': () => this.handler.answer(1),
    'the handler throws': () => this.handler.refuse(),
    'the handler asks to be given back': () => this.handler.refuse(new GiveBack(1, 'full')),
    'the handler is done early, with a promise': () => this.handler.refuse(this.doneEarly()),
    'that promise is resolved': () => this.early.answer(1),
    'that promise is rejected': () => this.early.refuse(),
    'a second passes': () => vi.advanceTimersByTimeAsync(1_000),
    'its time is up': () => vi.advanceTimersByTimeAsync(TIMEOUT_SECONDS * 1_000),
    'it is called off': () => this.worker.cancel(() => 'withdrawn'),
    'the connection is lost': () => this.loseConnection(),
    'it is let in': () => this.entering.answer({ kind: 'run' }),
    'it is to wait': () => this.entering.answer({ kind: 'wait', delayMs: 1, reason: 'full' }),
    'it is one too many': () => this.entering.answer({ kind: 'drop', reason: 'elsewhere' }),
    'its gate knows of its end': () => this.leaving.answer(true),
    'its gate is away': () => this.leaving.refuse(),
    'a publish is confirmed': () => this.publishing.answer(true),
    'a publish is refused': () => this.publishing.refuse(),
    'its record is kept': () => this.recording.answer(true),
    'its record is refused': () => this.recording.refuse(),
    'its lease is written': () => this.leasing.answer(true),
    'its lease is refused': () => this.leasing.refuse(),
    'its worker is closed': () => { this.closing ??= this.worker.close(6_000); },
    'its worker is in a hurry': () => this.worker.hurry('a second signal'),
  };

  async start(): Promise<void> {
    await this.worker.start();
    this.deliver(false);
  }

  /** From now on all goes well, and the handler ends. */
  async end(): Promise<void> {
    this.entering.openWith({ kind: 'run' });
    for (const asked of [this.leaving, this.publishing, this.recording, this.leasing]) asked.openWith(true);
    for (const asked of [this.handler, this.early]) asked.openWith(1);
    await vi.advanceTimersByTimeAsync(60_000);
    await this.closing;
    this.activity = this.worker.activity;
  }

  check(): void {
    const count = (...types: string[]): number => this.events.filter(({ type }) => types.includes(type)).length;
    const ends = count(...ENDS);
    if (this.closing === undefined) {
      expect({ ends, abandoned: count('task.abandoned'), activity: this.activity })
        .toEqual({ ends: 1, abandoned: 0, activity: { running: 0, waiting: 0, ended: this.deliveries.length } });
      expect(this.deliveries.at(-1)?.settled).toBe('ack');
    }
    const isAbandoned = count('task.abandoned') > 0;
    expect(ends).toBeLessThanOrEqual(1);
    expect(count('task.abandoned', 'task.timed-out')).toBeLessThanOrEqual(1);
    expect(count('task.ended-late')).toBeLessThanOrEqual(1);
    expect(this.calls).toBeLessThanOrEqual(1);
    // Repeated while its gate is away; and one that is given up while that goes on may be told as returned beside it.
    expect(new Set(this.told.filter((kind) => !isAbandoned || kind !== 'returned')).size).toBeLessThanOrEqual(1);
    expect(this.broker.published.filter(({ address }) => 'queue' in address && address.queue === 'work.dead').length).toBeLessThanOrEqual(1);
    expect(this.events.filter((event) => event.type === 'worker.problem' && /could not be (ended|freed)/.test(event.message))).toEqual([]);
    expect(this.wrong).toEqual([]);
    this.checkLimits();
  }

  /** Resolves to how many timers are left. */
  async close(): Promise<number> {
    const closing = this.worker.close(0);
    await vi.advanceTimersByTimeAsync(10_000);
    await closing;
    return vi.getTimerCount();
  }

  /** As many places as there were. */
  private checkLimits(): void {
    for (let place = 0; place < PLACES; place++) this.limits.enter([]);
    expect(() => this.limits.enter([])).toThrow(GiveBack);
  }

  private run(): unknown {
    this.calls++;
    if (this.setting.atOnce === undefined) return this.handler.ask();
    if (this.setting.atOnce === 'throw') throw new Error('no');
    return 1;
  }

  private doneEarly(): SucceedEarly {
    const value = this.early.ask();
    // Nobody waits for it where the run has ended before.
    value.catch(() => undefined);
    return new SucceedEarly(value);
  }

  private loseConnection(): void {
    const [first, ...more] = this.deliveries;
    if (first === undefined || first.settled !== undefined || more.length > 0) return;
    first.stale = true;
    this.deliver(true);
  }

  private deliver(redelivered: boolean): void {
    const { body, properties } = gofortFormat.encode({ uuid: 'u', name: 'a', args: [] });
    const delivery = new ScriptedDelivery(body, properties, redelivered);
    this.deliveries.push(delivery);
    this.broker.deliver(delivery);
  }
}

let unhandled: unknown[];
const onUnhandled = (reason: unknown): void => { unhandled.push(reason); };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
  unhandled = [];
  process.on('unhandledRejection', onUnhandled);
});

afterEach(() => {
  process.off('unhandledRejection', onUnhandled);
  vi.useRealTimers();
});

const settings: fc.Arbitrary<Setting> = fc.record({
  gated: fc.boolean(), results: fc.boolean(), retried: fc.boolean(), timed: fc.boolean(), limited: fc.boolean(),
  atOnce: fc.constantFrom(undefined, undefined, undefined, 'return' as const, 'throw' as const),
});
const inputs = fc.array(fc.constantFrom(...Object.keys(new World({ gated: false, results: false, retried: false, timed: false, limited: false, atOnce: undefined }).inputs)), { minLength: 1, maxLength: 25 });

describe('whatever happens to a run, in whatever order', () => {
  it('it ends once: told once, settled once, and its slot and its place are free once', async () => {
    await fc.assert(fc.asyncProperty(settings, inputs, async (setting, happening) => {
      const world = new World(setting);
      await world.start();
      for (const input of happening) {
        await world.inputs[input]?.();
        await vi.advanceTimersByTimeAsync(0);
      }
      await world.end();
      const timers = await world.close();
      vi.clearAllTimers();
      world.check();
      expect(timers).toBe(0);
    }), { numRuns: 600 });
    await new Promise((resolve) => { setImmediate(resolve); });
    expect(unhandled).toEqual([]);
  });
});
