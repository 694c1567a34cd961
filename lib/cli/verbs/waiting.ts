import type { DelayedReport, EndedTaskInfo, WaitingReport, WaitingTaskInfo } from '../../inspection/model.js';
import { RefusedError } from '../failures.js';
import { count } from '../options.js';
import { age, counted, shortened, table } from '../output/text.js';
import { option, textArgument, type Verb } from '../verb.js';
import { filterOf, RECENT_FILTER } from './task-lists.js';

const MOST_ARGUMENTS = 80;

export const waiting: Verb = {
  name: 'waiting',
  summary: 'the first tasks that wait in a queue, with their arguments',
  notes: ['They are held for the moment, and go back to their places. A quorum queue counts each look as a delivery: one, and one whose type nobody knows, is looked into only with --peek.'],
  arguments: [{ name: '<queue>', about: 'a work queue' }],
  options: [{ flags: '--peek <count>', about: 'how many are looked at, to 10000', parse: count, fallback: '50 of classic queues' }],
  examples: [['waiting mail', 'what is next'], ['waiting mail --peek 500 --json', 'of a quorum queue, or more of it']],
  run: async ({ open }, call) => {
    const [queue, peek] = [textArgument(call, 0), option<number>(call, 'peek')];
    const report = await (await open()).inspection.waiting(queue, peek === undefined ? {} : { peek });
    if (report.waiting === undefined) throw new RefusedError(`There is no queue "${queue}".`, { queue });
    return { data: report, text: waitingText(report) };
  },
};

export const delayed: Verb = {
  name: 'delayed',
  summary: 'how many tasks wait out a delay, by when they are due at the latest',
  notes: ['Of all queues together, retries among them. Which they are, no broker shows; on RabbitMQ one may be due sooner.'],
  examples: [['delayed', 'now']],
  run: async ({ open }) => {
    const report = await (await open()).inspection.delayed();
    return { data: report, text: delayedText(report) };
  },
};

export const retrying: Verb = {
  name: 'retrying',
  summary: 'tasks that have failed and are to be tried again, the latest failure first',
  notes: ['As far as the processes that live know them.'],
  options: RECENT_FILTER,
  examples: [['retrying --name "mail.*"', 'of some names'], ['retrying --error ECONNREFUSED', 'by what they failed with']],
  run: async ({ open }, call) => {
    const tasks = await (await open()).inspection.retrying(filterOf(call));
    return { data: { tasks }, text: tasks.length === 0 ? 'nothing' : retryingTable(tasks) };
  },
};

function waitingText({ queue, waiting: all = 0, tasks, unseen }: WaitingReport): string {
  const sum = `${counted(all, 'task')} ${all === 1 ? 'waits' : 'wait'} in ${queue}`;
  if (unseen !== undefined) return `${sum}\n${unseen}`;
  return tasks.length === 0 ? sum : `${table(['', 'UUID', 'TASK', 'QUEUE', 'ATTEMPT', 'SINCE', 'EXPIRES', 'ARGUMENTS'], tasks.map(rowOf))}\n\n${sum}`;
}

function rowOf({ position, uuid, name, queue, attempt, since, expiresAt, args, problem }: WaitingTaskInfo): readonly unknown[] {
  const values = problem ?? (args === undefined ? undefined : JSON.stringify(args.map(({ value }) => value), (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value)));
  return [position + 1, uuid, name, queue, attempt, since === undefined ? undefined : new Date(since), expiresAt === undefined ? undefined : new Date(expiresAt), values === undefined ? undefined : shortened(values, MOST_ARGUMENTS)];
}

function delayedText({ within, later }: DelayedReport): string {
  const all = within.reduce((sum, { count: some }) => sum + some, later);
  if (all === 0) return 'nothing';
  const rows = [...within.map(({ withinMs, count: some }) => [`within ${age(withinMs)}`, some] as const), ['later', later] as const];
  return `${table(['DUE', 'TASKS'], rows.filter(([, some]) => some > 0))}\n\n${counted(all, 'task')}`;
}

function retryingTable(tasks: readonly EndedTaskInfo[]): string {
  return table(['UUID', 'TASK', 'QUEUE', 'FAILED', 'ATTEMPT', 'ERROR'], tasks.map(({ uuid, name, queue, endedAt, attempt, error }) => [
    uuid, name, queue, new Date(endedAt), attempt, error === undefined ? undefined : shortened(`${error.name}: ${error.message}`, MOST_ARGUMENTS),
  ]));
}
