import type { ScheduleInfo, WorkflowInfo, WorkflowProgress, StepProgress } from '../../index.js';
import type { ActionInfo, EndedState, LockInfo, TaskFilter } from '../../inspection/model.js';
import type { ShownLock, ShownSchedule, ShownStep, ShownWorkflow } from '../answers.js';
import type { Fields } from '../http/fields.js';
import { badRequest, notFound } from '../http/refusal.js';
import type { Curtain } from './curtain.js';
import { countDeadLetters, listDeadLetters, lookAtDeadLetter } from './dead-letters.js';
import type { Panel } from './panel.js';
import { endOf, groupOf, pageOf, waitingOf } from './shown-task.js';

export type Read = (panel: Panel, fields: Fields) => Promise<unknown>;

const STATES: readonly EndedState[] = ['succeeded', 'failed', 'retrying', 'cancelled', 'expired', 'dropped'];
const MOST_RECENT = 200;
const MOST_WAITING = 200;
const MOST_GROUPS = 200;
const STATUSES: readonly WorkflowInfo['status'][] = ['running', 'succeeded', 'failed', 'cancelled'];
const MOST_WORKFLOWS = 50;
const MOST_NAMES = 2_000;
const MOST_TASKS = 200;
const MOST_LOCKS = 200;
const MOST_ACTIONS = 500;
/** Whoever counts does nothing, and stands in no audit. */
const COUNTING = 'dashboard';

/** What a page may ask for, by its name in the URL. */
export const READS: Readonly<Record<string, Read>> = {
  'dead-letters': listDeadLetters,
  'dead-letters-count': countDeadLetters,
  'dead-letter': lookAtDeadLetter,
  recent: async ({ inspection, curtain }, fields) => {
    const limit = fields.number('limit', 1, MOST_RECENT) ?? 100;
    const ended = await inspection.recent({ ...taskFilter(fields, curtain), limit });
    return { rows: ended.slice(0, limit).map((end) => endOf(end, curtain, false)) };
  },
  failures: async ({ inspection, curtain }, fields) => {
    const groups = await inspection.failures({ ...taskFilter(fields, curtain), limit: MOST_GROUPS });
    return { rows: groups.slice(0, MOST_GROUPS).map((group) => groupOf(group, curtain)), total: groups.length };
  },
  waiting: ({ inspection, curtain, queueTurns }, fields) => {
    const [queue, peek] = [fields.required('queue', 500), fields.number('peek', 1, MOST_WAITING)];
    return queueTurns.take(async () => {
      const { tasks, ...report } = await inspection.waiting(queue, peek === undefined ? {} : { peek });
      return { ...report, rows: tasks.map((task) => waitingOf(task, curtain)) };
    });
  },
  delayed: ({ inspection }) => inspection.delayed(),
  retrying: async ({ inspection, curtain }, fields) => {
    const { state: _state, ...filter } = taskFilter(fields, curtain);
    const ended = await inspection.retrying({ ...filter, limit: MOST_RECENT });
    return { rows: ended.map((end) => endOf(end, curtain, false)) };
  },
  task: async ({ inspection, curtain }, fields) => pageOf(await inspection.task(fields.required('uuid', 255)), curtain),
  tasks: async ({ inspection }) => {
    const { tasks, overall } = await inspection.tasks({ limit: MOST_TASKS });
    return { tasks, overall };
  },
  schedules: async ({ inspection, curtain }) => ({ rows: (await inspection.schedules()).map((schedule) => shownSchedule(schedule, curtain)) }),
  pauses: async ({ service }) => ({ rows: (await service.paused()).map(({ since, ...pause }) => ({ ...pause, since: since.getTime() })) }),
  'worker-limits': async ({ service }) => ({ rows: (await service.workerLimits()).map(({ since, ...limit }) => ({ ...limit, since: since.getTime() })) }),
  locks: async ({ inspection, curtain }) => {
    const locks = await inspection.locks({ limit: MOST_LOCKS });
    return { rows: locks.map((lock) => shownLock(lock, curtain)) };
  },
  workflows: async ({ inspection, curtain }, fields) => {
    const [name, status, after] = [fields.text('name', 500), fields.oneOf('status', STATUSES), fields.text('after', 100)];
    const { workflows, next } = await inspection.workflows({
      limit: MOST_WORKFLOWS, ...(name === undefined ? {} : { name }), ...(status === undefined ? {} : { status }), ...(after === undefined ? {} : { after }),
    });
    return { rows: workflows.map((one) => listedWorkflow(one, curtain)), ...(next === undefined ? {} : { next }) };
  },
  workflow: async ({ service, curtain }, fields) => {
    const progress = await service.workflow(fields.required('uuid', 255)).progress();
    if (progress === undefined) throw notFound('Nothing is known of a workflow of this uuid, or not any more.');
    return shownWorkflow(progress, curtain);
  },
  contract: async ({ inspection }) => {
    const { contract } = await inspection.contract();
    return { tasks: contract.tasks.slice(0, MOST_NAMES) };
  },
  names: async ({ inspection }) => {
    const workers = (await inspection.processes()).flatMap((process) => process.workers);
    const names = (of: readonly string[]): string[] => [...new Set(of)].sort().slice(0, MOST_NAMES);
    return { tasks: names(workers.flatMap(({ tasks }) => tasks)), queues: names(workers.map(({ queue }) => queue)) };
  },
  'running-count': async ({ service }, fields) => {
    const { matched, truncated } = await service.actions.cancel(runningFilter(fields), { by: COUNTING, where: 'running', dryRun: true });
    return { count: matched, truncated };
  },
  'failure-count': ({ service, deadLetterTurns }, fields) => deadLetterTurns.take(async () => {
    const { matched, truncated } = await service.actions.discard({ group: fields.required('group', 255) }, { by: COUNTING, dryRun: true });
    return { count: matched, truncated };
  }),
  audit: async ({ inspection, curtain }) => ({ rows: (await inspection.audit({ limit: MOST_ACTIONS })).map((action) => shownAction(action, curtain)) }),
};

/** Which of the running tasks are meant, as the page filters them. @throws Refusal where nothing is said */
export function runningFilter(fields: Fields): TaskFilter {
  const [name, queue, worker] = [fields.text('name', 500), fields.text('queue', 500), fields.text('worker', 500)];
  if (name === undefined && queue === undefined && worker === undefined) throw badRequest('Say which tasks are meant, by their name, queue or worker.');
  return { ...(name === undefined ? {} : { name: `*${name}*` }), ...(queue === undefined ? {} : { queue }), ...(worker === undefined ? {} : { worker }) };
}

function shownAction({ error, ...action }: ActionInfo, curtain: Curtain): ActionInfo {
  return { ...action, ...(error === undefined ? {} : { error: curtain.text(error, {}) }) };
}

/** @throws Refusal for arguments that nobody is to see: whether one fits would tell them */
function taskFilter(fields: Fields, curtain: Curtain): TaskFilter {
  const path = fields.text('argPath', 500);
  if (path !== undefined && curtain.hidesArguments) throw badRequest('Arguments are redacted here, so they cannot be searched.');
  const filter = {
    uuid: fields.text('uuid', 255), name: fields.text('name', 500), queue: fields.text('queue', 500), worker: fields.text('worker', 500),
    process: fields.text('process', 500), state: fields.oneOf('state', STATES), error: fields.text('error', 1_000),
    since: fields.number('since', 0, 8.64e15), until: fields.number('until', 0, 8.64e15),
    args: path === undefined ? undefined : { [path]: plainValue(fields.text('argValue') ?? '') },
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

/** As it was typed: `42` and `true` are no texts; `"42"` is one. */
function plainValue(typed: string): string | number | boolean | null {
  try {
    const value: unknown = JSON.parse(typed);
    return typeof value === 'object' && value !== null ? typed : value as string | number | boolean | null;
  } catch {
    return typed;
  }
}

/** A key may be made of arguments. */
function shownLock({ key, ...lock }: LockInfo, curtain: Curtain): ShownLock {
  if (key === undefined) return lock;
  return curtain.hidesArguments ? { ...lock, key: '[hidden]' } : { ...lock, key, ...(lock.kind === 'unique' || lock.kind === 'order' ? { releasable: true } : {}) };
}

function shownSchedule({ name, source, cron, timeZone, missed, task, nextTicks, firings, paused }: ScheduleInfo, curtain: Curtain): ShownSchedule {
  const shownError = (error: string | undefined): { error?: string } => (error === undefined ? {} : { error: curtain.text(error, { name: task }, 300) });
  return {
    name, source, cron, missed, task, ...(timeZone === undefined ? {} : { timeZone }), nextTicks: nextTicks.map((tick) => tick.getTime()),
    firings: firings.map(({ tick, by, uuid, error, outcome }) => ({
      tick: tick.getTime(), by, ...(uuid === undefined ? {} : { uuid }), ...shownError(error),
      ...(outcome === undefined ? {} : { outcome: { state: outcome.state, at: outcome.at.getTime(), attempt: outcome.attempt, ...shownError(outcome.error) } }),
    })),
    ...(paused === undefined ? {} : { paused: { ...paused, since: paused.since.getTime() } }),
  };
}

function listedWorkflow({ reason, error, ...workflow }: WorkflowInfo, curtain: Curtain): WorkflowInfo {
  return { ...workflow, ...(reason === undefined ? {} : { reason: curtain.text(reason, {}) }), ...(error === undefined ? {} : { error: curtain.text(error, {}) }) };
}

function shownWorkflow({ root, reason, ...workflow }: WorkflowProgress, curtain: Curtain): ShownWorkflow {
  return { ...workflow, ...(reason === undefined ? {} : { reason: curtain.text(reason, {}) }), root: shownStep(root, curtain) };
}

/** A label has the arguments of its task. */
function shownStep({ label, error, steps, ...step }: StepProgress, curtain: Curtain): ShownStep {
  return {
    ...step, label: step.kind === 'task' && curtain.hidesArguments ? label.replace(/\([^]*$/, '(...)') : curtain.text(label, {}, 500),
    ...(error === undefined ? {} : { error: curtain.text(error, {}) }), ...(steps === undefined ? {} : { steps: steps.map((one) => shownStep(one, curtain)) }),
  };
}
