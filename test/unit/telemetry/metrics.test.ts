import * as conventions from '@opentelemetry/semantic-conventions/incubating';
import { describe, expect, it } from 'vitest';
import type { DispatcherService, QueuesReport } from '../../../lib/index.js';
import { BoundedNames } from '../../../lib/telemetry/bounded-names.js';
import { errorType } from '../../../lib/telemetry/error-type.js';
import { GaugeCollector } from '../../../lib/telemetry/gauge-collector.js';
import { COUNTED, type CountedEvent, MetricRecorder } from '../../../lib/telemetry/metric-recorder.js';
import { checkMetricOptions, type MetricOptions } from '../../../lib/telemetry/metric-options.js';
import { Label, METRICS } from '../../../lib/telemetry/metric-table.js';
import { waitedMs } from '../../../lib/task/waited.js';

const task = { uuid: 'u', name: 'mail', attempt: 1, queue: 'q', worker: 'w' };
const error = new RangeError('oops');
const stamp = { level: 'debug', origin: 'task', at: 0 } as const;
const EXAMPLES: Record<(typeof COUNTED)[number], object> = {
  'task.published': { task, routingKey: 'key', durationMs: 3 }, 'task.publish-failed': { task, routingKey: 'key', durationMs: 3, error }, 'task.started': { task, waitedMs: 250 },
  'task.succeeded': { task, durationMs: 20 }, 'task.failed': { task, error, durationMs: 30 }, 'task.timed-out': { task, error, durationMs: 40 },
  'task.retrying': { task, error, delayMs: 1 }, 'task.dead-lettered': { task: { ...task, name: '' }, reason: 'invalid-body', error }, 'task.cancelled': { task, reason: 'no' },
  'task.expired': { task, expiresAt: 0 }, 'task.dropped': { task, reason: 'twice' }, 'task.returned': { task, pauseMs: 1 }, 'broker.connection-lost': { error },
  'circuit.opened': { scope: 'queue', name: 'q', worker: 'w', tasks: 1, failures: 1, seconds: 1 }, 'schedule.fired': { schedule: 's', taskName: 'mail', uuid: 'u', tick: 0, lateMs: 0 },
  'schedule.failed': { schedule: 's', taskName: 'mail', tick: 0, error }, 'schedule.missed': { schedule: 's', count: 4, first: 0, last: 1 },
  'workflow.succeeded': { workflow: 'x', durationMs: 1 }, 'workflow.failed': { workflow: 'x', durationMs: 1, reason: 'r' }, 'workflow.cancelled': { workflow: 'x', reason: 'r' },
};

function recorded(): { told: (type: (typeof COUNTED)[number]) => string[] } {
  const lines: string[] = [];
  const text = (labels: object): string => Object.entries(labels).map(([name, value]) => `${name.split('.').at(-1)}=${String(value)}`).join(' ');
  const sink = {
    add: (metric: string, labels: object, count = 1) => { lines.push(`${metric} +${count} ${text(labels)}`); },
    record: (metric: string, labels: object, value: number) => { lines.push(`${metric} ${value} ${text(labels)}`); },
  };
  const recorder = new MetricRecorder(sink, new BoundedNames(100), 'd', 'e');
  return {
    told: (type) => {
      lines.length = 0;
      recorder.told({ type, ...EXAMPLES[type], ...stamp } as CountedEvent);
      return [...lines].map((line) => line.replace(/ ?name=d$/, ''));
    },
  };
}

describe('what happens', () => {
  it.each<[(typeof COUNTED)[number], string[]]>([
    ['task.published', ['sent +1 name=e:key name=send name=mail', 'sendDuration 0.003 name=e:key name=send']],
    ['task.publish-failed', ['sent +1 name=e:key name=send type=RangeError name=mail', 'sendDuration 0.003 name=e:key name=send type=RangeError']],
    ['task.started', ['consumed +1 name=q name=process name=mail', 'age 0.25 name=q name=mail']],
    ['task.succeeded', ['processDuration 0.02 name=q name=process name=mail', 'outcomes +1 name=q name=mail outcome=succeeded']],
    ['task.failed', ['processDuration 0.03 name=q name=process name=mail type=RangeError']],
    ['task.timed-out', ['processDuration 0.04 name=q name=process name=mail type=RangeError']],
    ['task.retrying', ['outcomes +1 name=q name=mail outcome=retried']],
    ['task.dead-lettered', ['outcomes +1 name=q name=none outcome=dead reason=invalid-body']],
    ['task.cancelled', ['outcomes +1 name=q name=mail outcome=cancelled']],
    ['task.expired', ['outcomes +1 name=q name=mail outcome=expired']],
    ['task.dropped', ['outcomes +1 name=q name=mail outcome=dropped']],
    ['task.returned', ['outcomes +1 name=q name=mail outcome=returned']],
    ['broker.connection-lost', ['losses +1']], ['circuit.opened', ['circuits +1 name=w']],
    ['schedule.fired', ['ticks +1 name=s outcome=fired']], ['schedule.failed', ['ticks +1 name=s outcome=failed']], ['schedule.missed', ['ticks +4 name=s outcome=missed']],
    ['workflow.succeeded', ['workflows +1 outcome=succeeded']], ['workflow.failed', ['workflows +1 outcome=failed']], ['workflow.cancelled', ['workflows +1 outcome=cancelled']],
  ])('is counted: %s', (type, expected) => {
    expect(recorded().told(type)).toEqual(expected);
  });

  it('has labels that the table knows', () => {
    const { told } = recorded();
    for (const type of COUNTED) {
      for (const line of told(type)) {
        const metric = METRICS[line.split(' ', 1)[0] as keyof typeof METRICS];
        expect(metric.name).toBeDefined();
      }
    }
  });

  it('is told under names of the conventions where they have one', () => {
    const known = new Set<unknown>(Object.values(conventions));
    const names = [...Object.values(METRICS).map(({ name }) => name), ...Object.values(Label)].filter((name) => !name.startsWith('dispatcher.'));
    expect(names.filter((name) => !known.has(name))).toEqual([]);
    expect(names).toHaveLength(7);
  });
});

describe('names', () => {
  it('are bounded: those that come later are others, and kinds of errors are fewer', () => {
    const names = new BoundedNames(30);
    const tasks = Array.from({ length: 40 }, (_, n) => names.of({ [Label.task]: `t${n}` })[Label.task]);
    expect(new Set(tasks).size).toBe(31);
    expect(names.of({ [Label.task]: 't3' })).toEqual({ [Label.task]: 't3' });
    expect(new Set(Array.from({ length: 40 }, (_, n) => names.of({ [Label.error]: `E${n}` })[Label.error])).size).toBe(21);
    expect(names.of({ [Label.task]: '__proto__', [Label.worker]: undefined })).toEqual({ [Label.task]: 'other' });
  });
});

describe('what is now', () => {
  const report: QueuesReport = { queues: [{ name: 'q', waiting: 3, unacknowledged: 0, running: 0, consumers: 1, history: [] }], delayed: 2, undelivered: 0 };
  const collector = (queues: () => Promise<QueuesReport>, status = 'ready', limitMs = 20) => {
    let asked = 0;
    const service = {
      state: { status }, inspect: { queues: () => { asked++; return queues(); } }, worker: () => ({ limit: 4, activity: { running: 1, waiting: 2, ended: 9 } }),
      health: () => ({ details: { workers: [{ name: 'w', queue: 'q', consuming: true }] } }),
    } as unknown as DispatcherService;
    const made = new GaugeCollector([{ name: 'd', service }], new BoundedNames(9), { queues: true, limitMs });
    return { made, asked: () => asked, values: async () => Object.fromEntries((await made.collect()).map(({ metric, value }) => [metric, value])) };
  };

  it('is asked once for all who collect at the same time', async () => {
    const { made, asked, values } = collector(() => Promise.resolve(report));
    const [first, second] = await Promise.all([values(), values()]);
    expect(first).toEqual({ loopDelay: expect.any(Number) as number, connected: 1, running: 1, held: 2, limit: 4, consuming: 1, delayed: 2, undelivered: 0, depth: 3, dead: 0, paused: 0 });
    expect([second, asked()]).toEqual([first, 1]);
    made.stop();
  });

  it.each<[string, () => Promise<QueuesReport>, string, number]>([
    ['rejects', () => Promise.reject(new Error('no')), 'ready', 1], ['never answers', () => new Promise(() => undefined), 'ready', 1], ['is away', () => Promise.resolve(report), 'lost', 0],
  ])('leaves out what is not to be had where the broker %s', async (_, queues, status, times) => {
    const { made, asked, values } = collector(queues, status);
    expect(Object.keys(await values()).sort()).toEqual(['connected', 'consuming', 'held', 'limit', 'loopDelay', 'running']);
    expect(asked()).toBe(times);
    made.stop();
  });
});

describe('how long a task has waited', () => {
  it.each<[Parameters<typeof waitedMs>[1], number, number | undefined]>([
    [{ headers: { 'x-dispatcher-published': 900 } }, 1, 100], [{ headers: { 'x-dispatcher-published': 500, 'x-dispatcher-due': 990 } }, 1, 10],
    [{ timestamp: 0.5 }, 1, 500], [{ headers: { 'x-dispatcher-published': 'soon' }, timestamp: 0.9 }, 1, 100], [{ headers: { 'x-dispatcher-published': 5_000 } }, 1, 0],
    [{ headers: { 'x-dispatcher-published': 900 } }, 2, undefined], [{ headers: { 'x-dispatcher-published': 900, 'x-dispatcher-replays': 1 } }, 1, undefined],
    [{ headers: { 'x-dispatcher-published': NaN } }, 1, undefined], [{}, 1, undefined],
  ])('%j, attempt %i', (properties, attempt, expected) => {
    expect(waitedMs(attempt, properties, 1_000)).toBe(expected);
  });
});

describe('options that cannot work', () => {
  it.each<[unknown, RegExp]>([
    [{ queues: 'yes' }, /^queues of X .* true or false/], [{ collectTimeoutMs: 5 }, /from 10 to 60000; found 5/], [{ mostNames: 0 }, /from 1 to 10000; found 0/],
    [{ durationBuckets: [] }, /ascending/], [{ durationBuckets: [2, 1] }, /ascending/], [{ durationBuckets: [0] }, /ascending/], [{ durationBuckets: 1 }, /ascending/],
  ])('%j', (options, text) => {
    expect(() => checkMetricOptions(options as MetricOptions, 'X')).toThrow(text);
  });
});

it.each<[unknown, string]>([
  [new RangeError('x'), 'RangeError'], [Object.assign(new Error('x'), { code: 'ECONNREFUSED' }), 'ECONNREFUSED'], ['text', '_OTHER'], [undefined, '_OTHER'],
  [new Proxy({}, { get: () => { throw new Error('no'); } }), '_OTHER'],
])('the type of an error is of few values: %#', (thrown, expected) => {
  expect(errorType(thrown)).toBe(expected);
});
