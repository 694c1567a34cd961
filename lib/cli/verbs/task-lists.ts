import type { EndedState, EndedTaskInfo, FailureGroup, RunningTaskInfo, TaskFilter, TasksReport, TaskStats } from '../../inspection/model.js';
import { UsageError } from '../failures.js';
import { collected, count, instant } from '../options.js';
import { fromJson } from '../output/json.js';
import { age, counted, shortened, table } from '../output/text.js';
import { option, type Verb, type VerbCall, type VerbOption } from '../verb.js';

const STATES: readonly EndedState[] = ['succeeded', 'failed', 'retrying', 'cancelled', 'expired', 'dropped'];

/** Conditions: all that are given must hold. */
export const TASK_FILTER: readonly VerbOption[] = [
  { flags: '--name <task>', about: 'of this name; * stands for any text' },
  { flags: '--queue <queue>', about: 'of this queue' },
  { flags: '--worker <worker>', about: 'of workers of this name' },
  { flags: '--process <id>', about: 'of this process, as `inspect` shows it' },
  { flags: '--arg <path=value>', about: 'with this in an argument: 0.customer.id=42; the value as JSON or text. May be repeated', parse: collected },
];
const FILTER: readonly VerbOption[] = [...TASK_FILTER, { flags: '--limit <count>', about: 'how many at most, to 1000', parse: count, fallback: '200' }];
const ENDED: readonly VerbOption[] = [
  { flags: '--error <text>', about: 'whose error has this in its text' },
  { flags: '--since <time>', about: 'which ended at this time or later; also 2h for two hours ago', parse: instant },
  { flags: '--until <time>', about: 'which ended before this', parse: instant },
];

/** Of what has ended. */
export const RECENT_FILTER: readonly VerbOption[] = [...FILTER, ...ENDED];

export const running: Verb = {
  name: 'running',
  summary: 'what runs now in all processes, the longest first',
  options: FILTER,
  examples: [['running', 'everything'], ['running --name "report.*" --queue reports', 'of some names, in one queue']],
  run: async ({ open }, call) => {
    const tasks = await (await open()).inspection.running(filterOf(call));
    return { data: { tasks }, text: listed(tasks, runningTable) };
  },
};

export const recent: Verb = {
  name: 'recent',
  summary: 'what has ended lately, the latest first',
  notes: ['Each process remembers its last 1,000 tasks, and failures for longer.'],
  options: [...RECENT_FILTER, { flags: '--state <state>', about: 'which ended so', choices: STATES }],
  examples: [['recent --state failed --since 10m', 'what failed in the last ten minutes'], ['recent --arg 0.customer.id=42 --json', 'of one customer']],
  run: async ({ open }, call) => {
    const state = option<EndedState>(call, 'state');
    const tasks = await (await open()).inspection.recent({ ...filterOf(call), ...state === undefined ? {} : { state } });
    return { data: { tasks }, text: listed(tasks, endedTable) };
  },
};

export const failures: Verb = {
  name: 'failures',
  summary: 'what failed lately, grouped by task and error',
  notes: ['`failure retry`, `failure discard` and `failure annotate` take the id of such a group.'],
  options: RECENT_FILTER,
  examples: [['failures --since 1h', 'each group with its count and an example']],
  run: async ({ open }, call) => {
    const groups = await (await open()).inspection.failures(filterOf(call));
    return { data: { groups }, text: listed(groups, groupTable) };
  },
};

export const tasks: Verb = {
  name: 'tasks',
  summary: 'what became of tasks by their names, how fast, and how long they took',
  notes: ['In the processes that live. P50, P95 and P99 are of the last half hour up to an hour: what so many of a hundred runs took at most.'],
  options: FILTER.filter(({ flags }) => /^--(name|process|limit) /.test(flags)),
  examples: [['tasks', 'those of which most have ended first'], ['tasks --name "mail.*" --json', 'of some names']],
  run: async ({ open }, call) => {
    const report = await (await open()).inspection.tasks(filterOf(call));
    return { data: report, text: listed(report.tasks, (rows) => statsTable(rows, report.overall)) };
  },
};

function statsTable(rows: TasksReport['tasks'], overall: TaskStats): string {
  return table(['TASK', 'DONE', 'FAILED', 'RETRIED', 'PER S', 'P50', 'P95', 'P99', 'LAST'], [...rows, { name: '(all)', ...overall }].map(({ name, totals, rate, durations, lastEndedAt }) => [
    name, totals.succeeded, totals.failed, totals.retried, rate.toFixed(1), ...[durations.p50Ms, durations.p95Ms, durations.p99Ms].map((ms) => (durations.count === 0 ? undefined : took(ms))),
    new Date(lastEndedAt),
  ]));
}

function took(ms: number): string {
  return ms < 10_000 ? `${Math.round(ms)} ms` : age(ms);
}

export function runningTable(tasks: readonly RunningTaskInfo[]): string {
  return table(['UUID', 'TASK', 'QUEUE', 'PROCESS', 'ATTEMPT', 'FOR', 'PROGRESS'], tasks.map(({ uuid, name, queue, host, pid, attempt, runningMs, progress, isSlow, batch }) => [
    uuid, batch === undefined ? name : `${name} (1 of ${batch.size})`, queue, `${host}:${pid}`, attempt, `${age(runningMs)}${isSlow === true ? ' (slow)' : ''}`,
    progress === undefined ? undefined : `${progress.percent === undefined ? '' : `${progress.percent}% `}${progress.text ?? ''}`,
  ]));
}

function endedTable(tasks: readonly EndedTaskInfo[]): string {
  return table(['UUID', 'TASK', 'QUEUE', 'STATE', 'ATTEMPT', 'ENDED', 'TOOK', 'ERROR'], tasks.map(({ uuid, name, queue, state, attempt, endedAt, durationMs, error }) => [
    uuid, name, queue, state, attempt, new Date(endedAt), age(durationMs), error === undefined ? undefined : shortened(`${error.name}: ${error.message}`, 80),
  ]));
}

function groupTable(groups: readonly FailureGroup[]): string {
  return table(['ID', 'COUNT', 'DEAD', 'TASK', 'LAST', 'QUEUES', 'ERROR', 'EXAMPLE', 'NOTE'], groups.map(({ id, count: times, dead, name, lastAt, queues, error, example, note }) => [
    id, times, dead, name, new Date(lastAt), queues.join(', '), shortened(`${error.name}: ${error.message}${error.frame === undefined ? '' : ` (${error.frame})`}`, 100), example.uuid, note === undefined ? undefined : `${note.by}: ${note.text}`,
  ]));
}

function listed<T>(items: readonly T[], show: (items: readonly T[]) => string): string {
  return items.length === 0 ? 'nothing' : `${show(items)}\n\n${counted(items.length, 'entry').replace('entrys', 'entries')}`;
}

/** @throws UsageError */
export function filterOf(call: VerbCall): TaskFilter & { limit?: number } {
  const time = (name: string): number | undefined => option<Date>(call, name)?.getTime();
  const all = {
    name: option<string>(call, 'name'), queue: option<string>(call, 'queue'), worker: option<string>(call, 'worker'), process: option<string>(call, 'process'),
    error: option<string>(call, 'error'), since: time('since'), until: time('until'), args: argsOf(option(call, 'arg')), limit: option<number>(call, 'limit'),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function argsOf(texts: readonly string[] | undefined): TaskFilter['args'] {
  return texts === undefined ? undefined : Object.fromEntries(texts.map((text) => {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError('--arg takes path=value, such as --arg 0.customer.id=42.');
    return [text.slice(0, at), argumentValue(text.slice(at + 1))];
  }));
}

function argumentValue(text: string): string | number | boolean | null {
  try {
    const value = fromJson(text);
    return value === null || ['string', 'number', 'boolean'].includes(typeof value) ? value as string | number | boolean | null : text;
  } catch {
    return text;
  }
}
