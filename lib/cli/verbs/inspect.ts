import { hostname } from 'node:os';
import type { ProcessInfo, TaskInfo, TaskPlaceInfo } from '../../inspection/model.js';
import { ExitCode } from '../exit-code.js';
import { count } from '../options.js';
import { toJson } from '../output/json.js';
import { age, fields, printable, table } from '../output/text.js';
import type { Session } from '../session/session.js';
import { option, textArgument, type Verb } from '../verb.js';

const MEBIBYTE = 1024 ** 2;

export const inspect: Verb = {
  name: 'inspect',
  summary: 'the processes that use the exchange, and their workers',
  notes: ['They are asked, and answer within a second; those of older versions do not. One that died without a word is shown as lost.'],
  examples: [['inspect', 'memory, CPU, lag, and what each worker does']],
  run: async ({ open }) => {
    const processes = await processesOf(await open());
    return { data: { processes }, text: processes.length === 0 ? 'no process has answered' : describeProcesses(processes) };
  },
};

export const task: Verb = {
  name: 'task',
  summary: 'where a task is, why it waits, and each of its attempts',
  arguments: [{ name: '<uuid>', about: 'of the task' }],
  options: [{ flags: '--peek <count>', about: 'how many waiting tasks of each queue are looked through for it', parse: count, fallback: '100 of classic queues' }],
  examples: [['task 3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11', 'one task, wherever it is']],
  run: async ({ open }, call) => {
    const peek = option<number>(call, 'peek');
    const info = await (await open()).inspection.task(textArgument(call, 0), peek === undefined ? {} : { peek });
    return { data: info, text: describeTask(info), exitCode: info.where.place === 'unknown' ? ExitCode.refused : ExitCode.ok };
  },
};

export async function processesOf({ inspection }: Session): Promise<ProcessInfo[]> {
  return othersOf(await inspection.processes());
}

/** Without this program itself. */
export function othersOf(processes: readonly ProcessInfo[]): ProcessInfo[] {
  return processes.filter(({ host, pid }) => host !== hostname() || pid !== process.pid);
}

export function describeProcesses(processes: readonly ProcessInfo[]): string {
  const rows = processes.map(({ id, host, pid, role, status, connection, startedAt, memory, cpu, eventLoopLagMs, versions }) => [
    id, `${host}:${pid}`, role, status === 'lost' ? 'LOST' : connection, age(Date.now() - startedAt), `${Math.round(memory.rssBytes / MEBIBYTE)} MiB`, `${Math.round(cpu * 100)}%`,
    `${Math.round(eventLoopLagMs.p99)} ms`, versions.dispatcher, versions.node,
  ]);
  const workers = processes.flatMap(({ host, pid, workers: all }) => all.map(({ name, queue, limit, running, waiting, paused, consuming, totals, rate }) => [
    name, queue, `${host}:${pid}`, `${running}/${limit}`, waiting, totals.succeeded, totals.failed, totals.retried, rate.toFixed(1), paused ? 'paused' : consuming ? 'consuming' : 'idle',
  ]));
  return [
    table(['ID', 'PROCESS', 'ROLE', 'STATE', 'UP', 'MEMORY', 'CPU', 'LAG', 'VERSION', 'NODE'], rows),
    ...workers.length === 0 ? [] : [table(['WORKER', 'QUEUE', 'PROCESS', 'RUNNING', 'HELD', 'DONE', 'FAILED', 'RETRIED', 'PER S', 'STATE'], workers)],
  ].join('\n\n');
}

function describeTask({ uuid, name, where, waitsFor, args, attempts, timeline, workflow, parent, children, trace }: TaskInfo): string {
  const parts = [fields([['uuid', uuid], ['task', name], ['where', placeText(where)], ['workflow', workflow], ['parent', parent], ['children', children?.join(', ')], ['trace', trace]])];
  if (waitsFor.length > 0) parts.push(['waits for:', ...waitsFor.map((reason) => `  ${printable(reason)}`)].join('\n'));
  if (args !== undefined) parts.push(['arguments:', ...args.map(({ type, value }, index) => `  ${index}  ${type}  ${toJson(value)}`)].join('\n'));
  if (attempts.length > 0) {
    parts.push(['attempts:', ...attempts.flatMap(({ attempt, at, worker, error, log }) => [
      `  ${attempt}  ${new Date(at).toISOString()}${worker === undefined ? '' : `  ${worker}`}${error === undefined ? '' : `  ${printable(`${error.name}: ${error.message}`)}`}`,
      ...log.map(({ level, text }) => `       ${level}: ${printable(text)}`),
    ])].join('\n'));
  }
  if (timeline.length > 0) parts.push(['timeline:', ...timeline.map(({ state, at }) => `  ${new Date(at).toISOString()}  ${state}`)].join('\n'));
  return parts.join('\n\n');
}

function placeText(where: TaskPlaceInfo): string {
  switch (where.place) {
    case 'waiting': return `waiting in "${where.queue}"${where.position === undefined ? '' : `, at place ${where.position + 1}`}`;
    case 'delayed': return `delayed${where.dueAt === undefined ? '' : ` until ${new Date(where.dueAt).toISOString()}`}`;
    case 'running': return `running for ${age(where.run.runningMs)} in ${where.run.host}:${where.run.pid}, attempt ${where.run.attempt}`;
    case 'dead': return `dead letter of "${where.queue}" since ${new Date(where.diedAt).toISOString()}: ${where.reason}`;
    case 'ended': return `${where.end.state} at ${new Date(where.end.endedAt).toISOString()} in ${where.end.host}:${where.end.pid}`;
    case 'unknown': return `unknown; looked through: ${where.looked.join(', ')}`;
  }
}
