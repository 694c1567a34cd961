import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DispatcherEvent } from '../../../lib/events/dispatcher-event.js';
import { gofortFormat } from '../../../lib/formats/gofort.js';
import type { OutcomeRecorder, Reported } from '../../../lib/results/outcome-recorder.js';
import type { TaskOutcome, TimelineEntry } from '../../../lib/results/task-result.js';
import { Header } from '../../../lib/task/headers.js';
import type { TaskHeaders } from '../../../lib/task/task.js';
import type { TaskGate } from '../../../lib/worker/gates/task-gate.js';
import type { Handler } from '../../../lib/worker/handler.js';
import { TaskWorker } from '../../../lib/worker/task-worker.js';
import { ScriptedBroker, ScriptedDelivery } from '../../support/scripted-broker.js';

interface Told { reported: Reported; entries: readonly TimelineEntry[]; outcome?: TaskOutcome }

const quiet = { log() {}, warn() {}, error() {}, debug() {} };
const ASKED = { [Header.result]: true };
/** Calls off whatever says so. */
const CANCELS: TaskGate = {
  name: 'cancelling', concerns: ({ headers }) => headers['off'] === true,
  enter: () => Promise.resolve({ kind: 'cancel', reason: 'the order was withdrawn' }), leave: () => Promise.resolve(),
};

let broker: ScriptedBroker;
let events: DispatcherEvent[];
let told: Told[];
let onRecord: () => Promise<void>;
let worker: TaskWorker;

const recorder: OutcomeRecorder = {
  reaches: ({ replyTo }) => replyTo !== 'nobody',
  record: async (reported, entries, outcome) => {
    await onRecord();
    told.push({ reported, entries, outcome });
  },
};

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance', 'Date'] });
  broker = new ScriptedBroker();
  events = [];
  told = [];
  onRecord = () => Promise.resolve();
  const handlers = new Map<string, Handler>([
    ['add', { name: 'add', run: () => 3 }],
    ['steps', { name: 'steps', run: (_, context) => { for (let i = 1; i <= 1_000; i++) context.progress(i / 1_000, { row: i }); } }],
  ]);
  worker = new TaskWorker({ name: 'w', queue: 'work', unknownTaskGraceSeconds: 0 }, {
    broker, format: gofortFormat, handlers, emit: (event) => events.push(event), loggerFor: () => quiet, maxTaskBytes: 10_000,
    results: { recorder, of: 'asked' }, gates: [CANCELS],
  });
  await worker.start();
});

afterEach(async () => {
  const closing = worker.close(0);
  await vi.advanceTimersByTimeAsync(1);
  await closing;
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

async function deliver(name: string, headers: TaskHeaders, { replyTo = 'caller', redelivered = false } = {}): Promise<ScriptedDelivery> {
  const { body, properties } = gofortFormat.encode({ uuid: 'u', name, args: [], headers });
  const delivery = broker.deliver(new ScriptedDelivery(body, { ...properties, replyTo }, redelivered));
  for (let i = 0; i < 40; i++) await Promise.resolve();
  return delivery;
}

const states = (): string[] => told.flatMap(({ entries }) => entries.map(({ state }) => state));

describe('what becomes of a task is told', () => {
  it('with the address that it names', async () => {
    await deliver('add', ASKED);
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ reported: { uuid: 'u', name: 'add', replyTo: 'caller' }, outcome: { kind: 'value', value: 3 } });
  });

  it('only where somebody asks, and somebody hears', async () => {
    await deliver('add', {});
    await deliver('add', { [Header.result]: 'yes' });
    await deliver('add', ASKED, { replyTo: 'nobody' });
    expect(told).toEqual([]);
  });

  it('with the last progress before its end', async () => {
    await deliver('steps', ASKED);
    expect(states()).toEqual(['received', 'started', 'progress', 'succeeded']);
    expect(told[0]?.entries[2]).toMatchObject({ fraction: 1, data: { row: 1_000 }, worker: 'w', attempt: 1 });
  });

  it('when it expired, before the acknowledgement', async () => {
    let keep = (): void => undefined;
    onRecord = () => new Promise((resolve) => { keep = resolve; });
    const delivery = await deliver('add', { ...ASKED, [Header.expires]: Date.now() - 1 });
    expect(delivery.settled).toBeUndefined();
    keep();
    for (let i = 0; i < 40; i++) await Promise.resolve();
    expect(delivery.settled).toBe('ack');
    expect(told[0]?.entries).toMatchObject([{ state: 'expired', worker: 'w', attempt: 1, error: { code: 'ERR_DISPATCHER_EXPIRED' } }]);
    expect(events.map(({ type }) => type)).toContain('task.expired');
  });

  it('when it was cancelled', async () => {
    const delivery = await deliver('add', { ...ASKED, off: true });
    expect(delivery.settled).toBe('ack');
    expect(states()).toEqual(['received', 'cancelled']);
    expect(told[0]?.entries[1]).toMatchObject({ error: { message: expect.stringContaining('the order was withdrawn') as string } });
  });

  it('when it became a dead letter without having run', async () => {
    await deliver('unheard_of', ASKED);
    const broken = broker.deliver(new ScriptedDelivery(Buffer.from('{'), { messageId: 'v', replyTo: 'caller', headers: ASKED }));
    const nameless = broker.deliver(new ScriptedDelivery(Buffer.from('{'), { replyTo: 'caller', headers: ASKED }));
    for (let i = 0; i < 40; i++) await Promise.resolve();
    expect([broken.settled, nameless.settled]).toEqual(['ack', 'ack']);
    expect(told.map(({ reported, entries }) => [reported.uuid, entries[0]?.state, entries[0]?.error?.code])).toEqual([
      ['u', 'failed', 'ERR_DISPATCHER_UNKNOWN_TASK'], ['v', 'failed', 'ERR_DISPATCHER_INVALID_BODY'],
    ]);
    expect(broker.published.map(({ address }) => address)).toEqual(Array(3).fill({ queue: 'work.dead' }));
  });

  it('anew when it is replayed from its dead letter', async () => {
    await deliver('add', { ...ASKED, [Header.replays]: 1 });
    expect(told[0]?.entries.map(({ state, replayed }) => [state, replayed])).toEqual([
      ['published', true], ['received', undefined], ['started', undefined], ['succeeded', undefined]]);
  });
});
