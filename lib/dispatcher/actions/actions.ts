import type { DrainOptions } from '../../control/drain.js';
import { type PauseKind, type PauseTarget, targetOf } from '../../control/pause.js';
import type { FailureNotes } from '../../control/failure-notes.js';
import type { WorkerLimits } from '../../control/worker-limits.js';
import { conditionsOf } from '../../dead-letters/dead-letters.js';
import { BrokerError, ConfigurationError, UnknownScheduleError } from '../../errors.js';
import { type Acted, type Audited, unaudited } from '../../events/audited.js';
import type { TaskFilter } from '../../inspection/model.js';
import { checkTaskFilter } from '../../inspection/task-filter.js';
import type { ScheduleInfo } from '../../schedules/schedule.js';
import type { Schedules } from '../../schedules/schedules.js';
import type { TaskInput } from '../../task/task.js';
import { checkWorkerLimit } from '../../worker/worker-limit.js';
import type { WorkflowStatus } from '../../workflows/workflow-state.js';
import type { Workflows } from '../../workflows/workflows.js';
import type { Operations } from '../operations.js';
import type { PublishedTask, PublishOutcome } from '../publishing/published-task.js';
import type { ManagedWorker } from '../worker-registry.js';
import { type ActionOptions, type CancelActionOptions, checkActionOptions, checkCancelOptions, checkReplayOptions, checkSelection, type DeadLetterSelection, namesOf, type ReplayActionOptions } from './action-options.js';
import { type ActionResult, ActionTally } from './action-result.js';
import type { DeadLetterActions } from './dead-letter-actions.js';
import { isPattern, type KnownNames, meant } from './known-names.js';
import type { TaskFinder } from './task-finder.js';

/** Of one call by a filter: each process remembers all of them. */
const MOST_CANCELLED = 10_000;
const MOST_WORKFLOWS = 1_000;
/** Of a workflow: each of its tasks that is called off takes it along. */
const LONGEST_REASON = 1_000;

export interface ActionsDependencies {
  /** Nothing that these do is told: what they are steps of is told as a whole. */
  readonly operations: Operations;
  readonly deadLetters: DeadLetterActions;
  readonly schedules: Schedules<PublishedTask>;
  readonly workflows: Pick<Workflows, 'handle'>;
  readonly failureNotes: FailureNotes;
  readonly limits: WorkerLimits;
  readonly workers: () => readonly ManagedWorker[];
  readonly names: KnownNames;
  readonly tasks: TaskFinder;
  readonly publishMany: (tasks: readonly TaskInput[]) => Promise<PublishOutcome[]>;
  readonly delayed: () => Promise<number>;
  readonly audited: Audited;
  readonly ready: () => Promise<void>;
  readonly now: () => number;
}

/**
 * Everything that can be done to a running system, by filter and in bulk. Each call says who does it (`by`), can be tried
 * first (`dryRun`: it counts and changes nothing), can be bound to what was counted (`expected`), and is told as one
 * `action.performed` or `action.failed`. Names of queues, tasks, workers and schedules may have `*`, for any text: then the
 * known ones are meant, of this process' configuration and of all workers that answer.
 *
 * Where one of several fails, the others go on, and it stands in `failed`; a call that concerns one alone rejects with its
 * failure. Each rejects with a ConfigurationError for options that cannot be meant.
 *
 * @publicApi
 */
export class Actions {
  /** Made by the dispatcher. */
  constructor(private readonly dependencies: ActionsDependencies) {}

  /** As `dispatcher.pause`, with `*`. A `reason` is required: others will want to know. */
  async pause(target: PauseTarget, options: ActionOptions): Promise<ActionResult> {
    const checked = checkActionOptions(options, 'actions.pause', ['by', 'reason']);
    const { kind, name } = targetOf(target);
    const { operations, names } = this.dependencies;
    return this.perform({ action: 'pause', what: { [kind]: name } }, checked, async (tally) => {
      const items = (await names.meantBy(kind, [name])).map((id) => ({ id }));
      await tally.each(items, ({ id }) => operations.pause(targetNamed(kind, id), { by: checked.by, reason: checked.reason as string }));
    });
  }

  /** As `dispatcher.resume`, with `*`. Only what is paused is concerned. */
  async resume(target: PauseTarget, options: ActionOptions): Promise<ActionResult> {
    const { kind, name } = targetOf(target);
    const { operations } = this.dependencies;
    return this.perform({ action: 'resume', what: { [kind]: name } }, checkActionOptions(options, 'actions.resume'), async (tally) => {
      const paused = (await operations.paused()).filter((pause) => pause.kind === kind).map((pause) => pause.name);
      const items = meant([name], paused).filter((id) => paused.includes(id)).map((id) => ({ id }));
      await tally.each(items, async ({ id }) => { await operations.resume(targetNamed(kind, id)); });
    });
  }

  /**
   * Calls tasks off: by their uuids, of which nobody knows whether they exist, or by a filter over what runs and over the
   * first that wait in each queue. Of one filter at most 10,000.
   *
   * @throws ConfigurationError for a filter without a condition
   */
  async cancel(which: string | readonly string[] | TaskFilter, options: CancelActionOptions): Promise<ActionResult> {
    const { where, peek, expiresInSeconds, ...checked } = checkCancelOptions(options);
    const { operations, tasks } = this.dependencies;
    const uuids = isFilter(which) ? undefined : [which].flat();
    const filter = isFilter(which) ? filterOf(which) : {};
    const what = uuids === undefined ? { ...filter, state: undefined, args: filter.args && Object.keys(filter.args).join(', '), where } : { uuid: uuids[0], more: uuids.length > 1 ? uuids.length - 1 : undefined };
    return this.perform({ action: 'cancel', what }, checked, async (tally) => {
      const found = uuids === undefined ? await tasks.find(filter, { where, peek }, Math.min(MOST_CANCELLED, tally.room)) : { tasks: uuids.map((id) => ({ id })), truncated: false };
      tally.truncated = found.truncated;
      const called = found.tasks.filter((item) => tally.concerns(item)).map(({ id }) => id);
      if (tally.dryRun) return;
      const { by, reason } = checked;
      await operations.cancel(called, { by, ...(reason === undefined ? {} : { reason }), ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }) });
      tally.done = called.length;
    });
  }

  /** As `dispatcher.purge`, of several queues. Counted are tasks; with `expected` the oldest go. */
  async purge(queues: string | readonly string[], options: ActionOptions): Promise<ActionResult> {
    const { operations, names } = this.dependencies;
    const asked = namesOf(queues, 'What actions.purge concerns');
    return this.perform({ action: 'purge', what: { queue: asked.join(', ') } }, checkActionOptions(options, 'actions.purge'), async (tally) => {
      for (const id of await names.meantBy('queue', asked)) {
        if (tally.room === 0) return;
        const waiting = await operations.depth(id);
        if (waiting === undefined) tally.fail(id, new BrokerError('ERR_DISPATCHER_NOT_FOUND', `There is no queue "${id}".`, { queue: id }));
        else if (tally.dryRun) tally.concerns({ id, count: Math.min(waiting, tally.room) }, Math.min(waiting, tally.room));
        else await this.purgeOne(id, tally);
      }
    });
  }

  private async purgeOne(id: string, tally: ActionTally): Promise<void> {
    try {
      const count = await this.dependencies.operations.purge(id, [], tally.room);
      tally.concerns({ id, count }, count);
      tally.done += count;
    } catch (error) {
      tally.fail(id, error);
    }
  }

  /** As `dispatcher.drain`. Counted is what waits, and what is delayed where that counts, at its beginning. */
  async drain(which: DrainOptions, options: ActionOptions): Promise<ActionResult> {
    const { operations, names, delayed } = this.dependencies;
    const { queues, delayed: countsDelayed = queues === undefined } = which;
    return this.perform({ action: 'drain', what: { queues: queues?.join(', ') } }, checkActionOptions(options, 'actions.drain'), async (tally) => {
      for (const id of queues ?? await names.meantBy('queue', ['*'])) {
        const count = await operations.depth(id) ?? 0;
        tally.concerns({ id, count }, count);
      }
      if (countsDelayed) tally.matched += await delayed();
      if (tally.dryRun) return;
      await operations.drain(which);
      tally.done = tally.matched;
    });
  }

  /**
   * How many handlers the workers of these names run at once, each of them: in every process on the exchange, now and after
   * restarts, in place of their configuration and of `worker(name).setLimit`, until `unlimit`.
   *
   * @throws ConfigurationError for what is no whole number from 1
   */
  async limit(workers: string | readonly string[], limit: number, options: ActionOptions): Promise<ActionResult> {
    const asked = namesOf(workers, 'What actions.limit concerns');
    checkWorkerLimit(asked.join(', '), limit);
    const checked = checkActionOptions(options, 'actions.limit');
    const { limits, names, workers: own } = this.dependencies;
    return this.perform({ action: 'limit', what: { worker: asked.join(', '), limit } }, checked, async (tally) => {
      const items = (await names.meantBy('worker', asked, own().map(({ name }) => name))).map((id) => ({ id }));
      const { by, reason } = checked;
      await tally.each(items, ({ id }) => limits.set({ worker: id, limit, by, ...(reason === undefined ? {} : { reason }) }));
    });
  }

  /** Takes back what `limit` has set: that of the configuration counts again. Only those of which one is set are concerned. */
  async unlimit(workers: string | readonly string[], options: ActionOptions): Promise<ActionResult> {
    const asked = namesOf(workers, 'What actions.unlimit concerns');
    const { limits } = this.dependencies;
    return this.perform({ action: 'unlimit', what: { worker: asked.join(', ') } }, checkActionOptions(options, 'actions.unlimit'), async (tally) => {
      const set = (await limits.list()).map(({ worker }) => worker);
      await tally.each(meant(asked, set).filter((id) => set.includes(id)).map((id) => ({ id })), async ({ id }) => { await limits.remove(id); });
    });
  }

  /** As `dispatcher.publishMany`, in the name of somebody. */
  async send(tasks: readonly TaskInput[], options: ActionOptions): Promise<ActionResult> {
    const names = [...new Set(tasks.map(({ name }) => name))];
    return this.perform({ action: 'send', what: { name: names.slice(0, 10).join(', ') } }, checkActionOptions(options, 'actions.send'), async (tally) => {
      const sent = tasks.slice(0, tally.room);
      const outcomes = tally.dryRun ? [] : await this.dependencies.publishMany(sent);
      sent.forEach(({ name, uuid = '' }, index) => {
        const outcome = outcomes[index];
        tally.concerns({ id: outcome?.accepted === true ? outcome.uuid : uuid, name });
        if (outcome?.accepted === true) tally.done++;
        else if (outcome !== undefined) tally.fail(uuid, outcome.error);
      });
    });
  }

  /** Runs dead letters anew, of one, several or all known queues; with `edit` with other arguments. */
  async replay(which: DeadLetterSelection, options: ReplayActionOptions): Promise<ActionResult> {
    const { to, edit, ...checked } = checkReplayOptions(options);
    const selection = checkSelection(which, 'actions.replay');
    const how = { ...(to === undefined ? {} : { to }), ...(edit === undefined ? {} : { edit }) };
    return this.perform({ action: 'dead-letters.replay', what: { ...whatOf(selection, checked), edited: edit === undefined ? undefined : true } }, checked,
      (tally) => this.dependencies.deadLetters.replay(selection, how, tally));
  }

  /** Removes dead letters for good, of one, several or all known queues. */
  async discard(which: DeadLetterSelection, options: ActionOptions): Promise<ActionResult> {
    const checked = checkActionOptions(options, 'actions.discard');
    const selection = checkSelection(which, 'actions.discard');
    return this.perform({ action: 'dead-letters.discard', what: whatOf(selection, checked) }, checked,
      (tally) => this.dependencies.deadLetters.discard(selection, tally));
  }

  /** As `dispatcher.schedules.pause`, with `*`. A `reason` is required. */
  async pauseSchedules(names: string | readonly string[], options: ActionOptions): Promise<ActionResult> {
    const checked = checkActionOptions(options, 'actions.pauseSchedules', ['by', 'reason']);
    return this.eachSchedule('schedule.pause', names, checked, (name) => this.dependencies.schedules.pause(name, { by: checked.by, reason: checked.reason as string }));
  }

  /** As `dispatcher.schedules.resume`, with `*`. Only those that are paused are concerned. */
  async resumeSchedules(names: string | readonly string[], options: ActionOptions): Promise<ActionResult> {
    return this.eachSchedule('schedule.resume', names, checkActionOptions(options, 'actions.resumeSchedules'), async (name) => { await this.dependencies.schedules.resume(name); }, ({ paused }) => paused !== undefined);
  }

  /** Publishes the tasks of schedules now, beside their ticks. */
  async triggerSchedules(names: string | readonly string[], options: ActionOptions): Promise<ActionResult> {
    return this.eachSchedule('schedule.trigger', names, checkActionOptions(options, 'actions.triggerSchedules'), async (name) => ({ task: (await this.dependencies.schedules.trigger(name)).uuid }));
  }

  /** Removes schedules of run time for good. */
  async removeSchedules(names: string | readonly string[], options: ActionOptions): Promise<ActionResult> {
    return this.eachSchedule('schedule.remove', names, checkActionOptions(options, 'actions.removeSchedules'), (name) => this.dependencies.schedules.remove(name));
  }

  /** Calls workflows off with all of their steps; those that have succeeded, or were cancelled, are not concerned. At most 1,000. */
  async cancelWorkflows(uuids: string | readonly string[], options: ActionOptions): Promise<ActionResult> {
    const checked = checkActionOptions(options, 'actions.cancelWorkflows');
    const reason = `by ${checked.by}${checked.reason === undefined ? '' : `: ${checked.reason}`}`.slice(0, LONGEST_REASON);
    return this.eachWorkflow('workflow.cancel', uuids, checked, ['running', 'failed'], async (uuid) => { await this.dependencies.workflows.handle(uuid, unaudited).cancel(reason); });
  }

  /** Lets failed workflows go on where they stopped; others are not concerned. At most 1,000. */
  async retryWorkflows(uuids: string | readonly string[], options: ActionOptions): Promise<ActionResult> {
    return this.eachWorkflow('workflow.retry', uuids, checkActionOptions(options, 'actions.retryWorkflows'), ['failed'], async (uuid) => ({ count: await this.dependencies.workflows.handle(uuid, unaudited).retry() }));
  }

  /** Notes something of a group of failures, for all who look at it, in place of what was noted before. Of at most 1,000 groups, the latest. */
  async annotateFailures(group: string, text: string, options: ActionOptions): Promise<ActionResult> {
    const checked = checkActionOptions(options, 'actions.annotateFailures');
    const { failureNotes, now } = this.dependencies;
    return this.perform({ action: 'failure.annotate', what: { group } }, checked, (tally) => tally.each([{ id: group }], () => failureNotes.write({ group, text, by: checked.by, at: now() })));
  }

  /** Takes back what was noted. */
  async forgetNote(group: string, options: ActionOptions): Promise<ActionResult> {
    const { failureNotes } = this.dependencies;
    return this.perform({ action: 'failure.forget', what: { group } }, checkActionOptions(options, 'actions.forgetNote'), async (tally) => {
      await tally.each(await failureNotes.has(group) ? [{ id: group }] : [], async () => { await failureNotes.remove(group); });
    });
  }

  private async eachSchedule(
    action: Acted['action'], names: string | readonly string[], options: ActionOptions, act: (name: string) => Promise<{ task: string } | void>, concerns: (schedule: ScheduleInfo) => boolean = () => true,
  ): Promise<ActionResult> {
    const asked = namesOf(names, `What ${action} concerns`);
    return this.perform({ action, what: { schedule: asked.join(', ') } }, options, async (tally) => {
      const list = await this.dependencies.schedules.list();
      const known = list.map(({ name }) => name);
      for (const id of asked) if (!isPattern(id) && !known.includes(id)) tally.fail(id, new UnknownScheduleError(`There is no schedule "${id}" here.`, { schedule: id }));
      const wanted = new Set(list.filter(concerns).map(({ name }) => name));
      await tally.each(meant(asked, known).filter((id) => wanted.has(id)).map((id) => ({ id })), ({ id }) => act(id));
    });
  }

  private async eachWorkflow(
    action: Acted['action'], uuids: string | readonly string[], options: ActionOptions, statuses: readonly WorkflowStatus[], act: (uuid: string) => Promise<{ count: number } | void>,
  ): Promise<ActionResult> {
    const asked = namesOf(uuids, `What ${action} concerns`);
    if (asked.length > MOST_WORKFLOWS) throw new ConfigurationError(`${action} takes at most ${MOST_WORKFLOWS} workflows; found ${asked.length}.`, { found: asked.length });
    return this.perform({ action, what: { workflow: asked[0], more: asked.length > 1 ? asked.length - 1 : undefined } }, options, async (tally) => {
      for (const id of asked) {
        const status = (await this.dependencies.workflows.handle(id, unaudited).progress())?.status;
        if (status !== undefined && statuses.includes(status)) await tally.each([{ id }], () => act(id));
      }
    });
  }

  /** Counts, or does it and tells. */
  private async perform(acted: Pick<Acted, 'action' | 'what'>, { by, reason, dryRun = false, expected = Infinity, details }: ActionOptions, work: (tally: ActionTally) => Promise<void>): Promise<ActionResult> {
    const tally = new ActionTally(dryRun, expected);
    const run = async (): Promise<ActionResult> => {
      await this.dependencies.ready();
      await work(tally);
      return tally.result();
    };
    return dryRun ? run() : this.dependencies.audited({ ...acted, by, reason, what: { ...acted.what, ...details } }, run, ({ done }) => ({ count: done, failed: tally.failedCount }));
  }
}

function targetNamed(kind: PauseKind, name: string): PauseTarget {
  return { [kind]: name } as unknown as PauseTarget;
}

function isFilter(which: string | readonly string[] | TaskFilter): which is TaskFilter {
  return typeof which === 'object' && which !== null && !Array.isArray(which);
}

/** @throws ConfigurationError where it would mean everything, and nobody has said so */
function filterOf(which: TaskFilter): TaskFilter {
  const filter = checkTaskFilter(which);
  if (Object.values(filter).some((condition) => condition !== undefined)) return filter;
  throw new ConfigurationError("The filter of actions.cancel has no condition. Write { name: '*' } where everything is meant.");
}

/** Of a function nothing is told where whoever wrote it says so by himself. */
function whatOf({ queue = '*', ids, filter, group }: DeadLetterSelection, { details }: ActionOptions): Readonly<Record<string, unknown>> {
  const ofIds = ids === undefined ? {} : { id: ids[0], more: ids.length > 1 ? ids.length - 1 : undefined };
  const conditions = filter === undefined || (typeof filter === 'function' && details !== undefined) ? {} : conditionsOf({ filter });
  return { queue: [queue].flat().join(', '), group, ...ofIds, ...conditions };
}
