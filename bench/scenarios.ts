import type { Ability, Scenario } from './driver/definition.js';
import { RETRY_MS } from './system/settings.js';

const END_TO_END: readonly Ability[] = ['window', 'consume'];
const LIMITS = [100, 10, 3];
/** What a queue on Redis is chosen for. */
export const ON_REDIS = ['publish', 'publish-one', 'consume-100', 'end-to-end-100', 'delay', 'retry', 'chord'];
/** A backlog of fewer is gone within a third of a second, and before a worker has as much memory as it will have. */
const BACKLOG = 100_000;

/** All scenarios, the most important first. A task is gofort's with two arguments unless the name says otherwise. */
export const scenarios: readonly Scenario[] = [
  { name: 'publish', title: 'Publish, many in flight', kind: 'publish', needs: ['window'], settings: {} },
  ...LIMITS.map((limit) => ({
    name: `consume-${limit}`,
    title: `Consume from full queues, limit ${limit}`,
    kind: 'consume' as const,
    needs: ['consume'] as const,
    settings: { limit },
    tasks: backlog,
  })),
  ...LIMITS.map((limit) => ({
    name: `end-to-end-${limit}`,
    title: `End to end, two processes, limit ${limit}`,
    kind: 'end-to-end' as const,
    needs: END_TO_END,
    settings: { limit },
    minor: limit !== 100,
  })),
  {
    name: 'publish-one',
    title: 'Publish one at a time, each awaited',
    kind: 'publish',
    needs: ['one'],
    settings: { publishing: 'one', warmup: 2_000 },
    tasks: (asked) => Math.ceil(asked / 2),
  },
  { name: 'publish-all', title: 'Publish by Promise.all, 1,000 at a time', kind: 'publish', needs: ['all'], settings: { publishing: 'all' }, minor: true },
  { name: 'publish-bulk', title: 'Publish by the batch call, 1,000 at a time', kind: 'publish', needs: ['bulk'], settings: { publishing: 'bulk' } },
  latency('latency-100', 'Latency at 100 tasks per second', 100),
  latency('latency-half', 'Latency at half of the rate that the system reaches end to end', 'half'),
  { name: 'quorum-publish', title: 'Quorum queues: publish', kind: 'publish', needs: ['window', 'quorum'], settings: { type: 'quorum' } },
  { name: 'quorum-consume', title: 'Quorum queues: consume, limit 100', kind: 'consume', needs: ['consume', 'quorum'], settings: { type: 'quorum' } },
  {
    name: 'quorum-end-to-end',
    title: 'Quorum queues: end to end, limit 100',
    kind: 'end-to-end',
    needs: [...END_TO_END, 'quorum'],
    settings: { type: 'quorum' },
  },
  { name: 'embedded-memory', title: 'One process, in memory', kind: 'one-process', needs: ['in-memory'], settings: {} },
  { name: 'embedded-durable', title: 'One process, on this disk', kind: 'one-process', needs: ['durable-local'], settings: {} },
  {
    name: 'enhancers',
    title: 'Consume with an interceptor, a pipe or both on the handler, limit 100',
    kind: 'consume',
    needs: ['enhancers'],
    settings: {},
    moreThan: 'dispatcher',
  },
  {
    name: 'batches',
    title: 'Consume where each call of the handler waits 5 ms, as for a database: one task a call, and up to 100; limit 10',
    kind: 'consume',
    needs: ['work'],
    settings: { workms: 5, limit: 10 },
  },
  {
    name: 'telemetry',
    title: 'End to end with OpenTelemetry or Prometheus, limit 100',
    kind: 'end-to-end',
    needs: ['telemetry'],
    settings: {},
    moreThan: 'dispatcher',
  },
  { name: 'noop-publish', title: 'Task without arguments: publish', kind: 'publish', needs: ['window', 'noop'], settings: { task: 'noop' }, minor: true },
  { name: 'noop-consume', title: 'Task without arguments: consume, limit 100', kind: 'consume', needs: ['consume', 'noop'], settings: { task: 'noop' }, minor: true },
  {
    name: 'noop-end-to-end',
    title: 'Task without arguments: end to end, limit 100',
    kind: 'end-to-end',
    needs: [...END_TO_END, 'noop'],
    settings: { task: 'noop' },
    minor: true,
  },
  {
    name: 'payload-10k',
    title: 'End to end with 10 KiB in each task, limit 100',
    kind: 'end-to-end',
    needs: [...END_TO_END, 'payload'],
    settings: { payload: 10_240 },
    minor: true,
    tasks: (asked) => Math.ceil(asked / 5),
  },
  {
    name: 'delay',
    title: 'Each task delayed by one second, which is in the time: end to end, limit 100',
    kind: 'end-to-end',
    needs: [...END_TO_END, 'delay'],
    settings: { delayms: 1_000 },
    tasks: (asked) => Math.ceil(asked / 2),
  },
  {
    name: 'retry',
    title: `The first attempt of each task fails, the second comes ${RETRY_MS} ms later (nobody logs the failures): end to end, limit 100`,
    kind: 'end-to-end',
    needs: [...END_TO_END, 'retry'],
    settings: { fails: 'first' },
    tasks: (asked) => Math.ceil(asked / 2),
  },
  {
    name: 'results',
    title: 'Every result back with the publisher, 1,000 tasks in flight, limit 100',
    kind: 'round-trip',
    needs: [...END_TO_END, 'results'],
    settings: { results: 'on' },
    tasks: (asked) => Math.ceil(asked / 2),
  },
  {
    name: 'chord',
    title: 'One chord: all tasks, then one with their results, whose result is back with the publisher; limit 100',
    kind: 'round-trip',
    needs: ['consume', 'chord'],
    settings: { publishing: 'chord', results: 'on', warmup: 500 },
    tasks: (asked) => Math.ceil(asked / 2),
  },
  {
    name: 'mix',
    title: 'One task in ten takes 100 ms, two worker processes share one queue, limit 10',
    kind: 'consume',
    needs: ['consume', 'long-tasks'],
    workers: 2,
    settings: { queues: 1, limit: 10, longevery: 10, longms: 100, tally: 'on', warmup: 0 },
    tasks: (asked) => Math.max(500, Math.ceil(asked / 50)),
  },
  {
    name: 'million',
    title: 'A million tasks wait (ten times the tasks asked for): consume them, limit 100',
    kind: 'consume',
    needs: ['consume'],
    only: ['dispatcher', 'amqplib'],
    settings: {},
    tasks: (asked) => asked * 10,
  },
];

function latency(name: string, title: string, pace: number | 'half'): Scenario {
  return { name, title, kind: 'end-to-end', needs: ['paced', 'consume'], settings: { publishing: 'paced' }, pace };
}

/** A quick run stays quick. */
function backlog(asked: number): number {
  return asked < BACKLOG / 10 ? asked : Math.max(asked, BACKLOG);
}
