import { setTimeout as pause } from 'node:timers/promises';
import { present } from '../../test/support/present.js';
import { Signal } from '../../test/support/wait.js';
import type { RabbitServer } from '../servers/rabbitmq.js';
import type { Server } from '../servers/server.js';
import { nowMicros } from '../system/make-task.js';
import { defaults, formatSettings, type Settings } from '../system/settings.js';
import type { Scenario, SystemDefinition } from './definition.js';
import { othersBetween, snapshot } from './machine.js';
import type { Measurement } from './measurement.js';
import { SystemProcess, type Mark } from './system-process.js';

/** Above this many cores, what others do shows in the numbers. */
const DISTURBED_ABOVE = 0.1;
const READY_LIMIT_MS = 60_000;
/** What each wait may take beside the time for its tasks. */
const LIMIT_MS = 20_000;
/** The slowest system awaits each of its tasks at some hundreds a second. */
const SLOWEST_RATE = 150;

export interface Job {
  readonly scenario: Scenario;
  readonly system: SystemDefinition;
  readonly filler: SystemDefinition;
  readonly server: Server;
  readonly run: number;
  readonly tasks: number;
  readonly warmup: number;
  readonly rate?: number;
}

/** Start and end of the measured part, and the processes' CPU seconds and memory at both. */
interface Span {
  readonly from: number;
  readonly to: number;
  readonly cpu: number;
  readonly memory: number;
  readonly others: number;
  readonly values: Record<string, number>;
}

/** Runs one system once. Leaves the server as it was. */
export async function measure(job: Job): Promise<Measurement> {
  const processes: SystemProcess[] = [];
  const start = (system: SystemDefinition, changes: Partial<Settings>): SystemProcess => {
    const started = new SystemProcess(system.name, [...system.command, ...formatSettings({ ...settingsOf(job, system), ...changes })]);
    processes.push(started);
    return started;
  };
  try {
    const span = await kinds[job.scenario.kind](job, start);
    return toMeasurement(job, span);
  } finally {
    for (const each of processes) each.kill();
    await job.server.clear(prefixOf(job));
  }
}

type Start = (system: SystemDefinition, changes: Partial<Settings>) => SystemProcess;

const kinds: Record<Scenario['kind'], (job: Job, start: Start) => Promise<Span>> = {
  publish: async (job, start) => {
    const publisher = start(job.system, { role: 'publish' });
    const span = await watch(job, [publisher], publisher, publisher);
    await publisher.quit();
    await expectReady(job, job.warmup + job.tasks);
    return span;
  },
  consume: async (job, start) => {
    await fill(job, start);
    const workers = Array.from({ length: job.scenario.workers ?? 1 }, () => start(job.system, { role: 'consume' }));
    const [first, ...others] = workers;
    const span = first !== undefined && others.length === 0 ? await watch(job, workers, first, first) : await watchTogether(job, workers);
    await pause(settleMs(job));
    for (const worker of workers) await worker.quit();
    await expectReady(job, 0);
    return span;
  },
  'end-to-end': async (job, start) => {
    const worker = start(job.system, { role: 'consume' });
    await worker.wait('ready', READY_LIMIT_MS);
    const publisher = start(job.system, { role: 'publish' });
    const span = await watch(job, [worker, publisher], publisher, worker);
    await publisher.quit();
    await pause(settleMs(job));
    await worker.quit();
    await expectReady(job, 0);
    return span;
  },
  'round-trip': async (job, start) => {
    const worker = start(job.system, { role: 'consume' });
    await worker.wait('ready', READY_LIMIT_MS);
    worker.say('go');
    const publisher = start(job.system, { role: 'publish' });
    const span = await watch(job, [publisher], publisher, publisher);
    await publisher.quit();
    await pause(settleMs(job));
    await worker.quit();
    await expectReady(job, 0);
    return span;
  },
  'one-process': async (job, start) => {
    const both = start(job.system, { role: 'both' });
    const span = await watch(job, [both], both, both);
    await both.quit();
    return span;
  },
};

/** Of a channel that closes, a quorum queue forgets the acknowledgements that it has not written yet. */
function settleMs({ scenario }: Job): number {
  return scenario.settings.type === 'quorum' ? 500 : 0;
}

function settingsOf(job: Job, system: SystemDefinition): Settings {
  const { scenario, tasks: count, warmup, rate } = job;
  const base = { ...defaults, server: job.server.url, prefix: prefixOf(job), count, warmup };
  return { ...base, ...scenario.settings, ...system.settings, ...(rate === undefined ? {} : { rate }) };
}

/** One prefix for each system and queue type: what a system declares for itself beside its queues, it meets again. */
function prefixOf(job: Job): string {
  return `bench.${job.system.name}.${job.scenario.settings.type ?? defaults.type}`;
}

async function fill(job: Job, start: Start): Promise<void> {
  const count = job.warmup + job.tasks;
  const filler = start(job.filler, { role: 'publish', publishing: 'window', warmup: 0, count });
  await filler.wait('ready', READY_LIMIT_MS);
  filler.say('go');
  await filler.wait('done', limitFor(job));
  await filler.quit();
  await expectReady(job, count);
}

/** From the mark `started` of one process to the mark `done` of one, which may be another. */
async function watch(job: Job, all: readonly SystemProcess[], starter: SystemProcess, ender: SystemProcess): Promise<Span> {
  for (const each of all) await each.wait('ready', READY_LIMIT_MS);
  for (const each of all) each.say('go');
  const started = await starter.wait('started', limitFor(job));
  const cpuBefore = cpuOf(all.map((each) => each.usage()));
  const before = snapshot();
  const done: Mark = await ender.wait('done', limitFor(job));
  const after = snapshot();
  const usages = all.map((each) => each.usage());
  return {
    from: started.micros,
    to: done.micros,
    cpu: cpuOf(usages) - cpuBefore,
    memory: Math.max(...usages.map((usage) => usage.peakMiB)),
    others: othersBetween(before, after),
    values: done.values,
  };
}

/** Until several workers have finished all tasks among them. */
async function watchTogether(job: Job, workers: readonly SystemProcess[]): Promise<Span> {
  for (const each of workers) await each.wait('ready', READY_LIMIT_MS);
  const finished = new Signal();
  let open = job.warmup + job.tasks;
  for (const each of workers) each.onFinished = () => void (--open === 0 && finished.fire());
  const before = snapshot();
  const cpuBefore = cpuOf(workers.map((each) => each.usage()));
  const from = nowMicros();
  for (const each of workers) each.say('go');
  await finished.within(limitFor(job), `the last of ${job.tasks} tasks of ${job.system.name}; ${open} are open`);
  const to = nowMicros();
  const after = snapshot();
  const usages = workers.map((each) => each.usage());
  const cpu = cpuOf(usages) - cpuBefore;
  return { from, to, cpu, memory: Math.max(...usages.map((usage) => usage.peakMiB)), others: othersBetween(before, after), values: {} };
}

function cpuOf(usages: readonly { readonly cpuSeconds: number }[]): number {
  return usages.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

function limitFor(job: Job): number {
  const slowest = Math.min(SLOWEST_RATE, job.rate ?? Infinity);
  return LIMIT_MS + Math.ceil(((job.warmup + job.tasks) / slowest) * 1000);
}

/** No system is timed on tasks that it has lost, or not yet acknowledged. */
async function expectReady(job: Job, expected: number): Promise<void> {
  if (job.system.server !== 'rabbitmq') return;
  const server = job.server as RabbitServer;
  const queues = { ...defaults, ...job.scenario.settings }.queues;
  let found: number | undefined;
  // What a closed connection gave back, or a publisher without confirms has sent, appears a moment later.
  for (let tries = 0; tries < 20; tries++) {
    found = await server.ready(prefixOf(job), queues);
    if (found === expected) return;
    await pause(100);
  }
  throw new Error(`${job.system.name}: ${found ?? 'not all queues exist, let alone'} tasks wait in the queues; expected ${expected}.`);
}

function latencyIn({ p50, p99, p999, max }: Mark['values']): Measurement['latency'] {
  return { p50: present(p50, 'p50'), p99: present(p99, 'p99'), p999: present(p999, 'p999'), max: present(max, 'max') };
}

function toMeasurement(job: Job, span: Span): Measurement {
  const seconds = (span.to - span.from) / 1e6;
  return {
    scenario: job.scenario.name,
    system: job.system.name,
    run: job.run,
    tasks: job.tasks,
    seconds,
    rate: job.tasks / seconds,
    cpu: (span.cpu * 100_000) / job.tasks,
    memory: span.memory,
    ...(span.values.p50 === undefined ? {} : { latency: latencyIn(span.values) }),
    others: span.others,
    disturbed: span.others > DISTURBED_ABOVE,
  };
}
