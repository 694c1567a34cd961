import type { ScheduleInfo } from '../../schedules/schedule.js';
import { confirm } from '../confirm.js';
import { RefusedError } from '../failures.js';
import { BY, REASON, whoAndWhy, YES } from '../options.js';
import { printable, shortened, table } from '../output/text.js';
import { option, textArgument, type Verb, type VerbArgument } from '../verb.js';

const NAME: VerbArgument = { name: '<name>', about: 'of the schedule; with * all that fit' };
const KNOWN = 'Of schedules it knows those that were added at run time. Those of @Task are in the code of the applications: ask and steer them there.';

export const schedulesList: Verb = {
  name: 'schedules list',
  summary: 'the schedules that were added at run time',
  notes: [KNOWN],
  examples: [['schedules list', 'when each fires next, when it fired last and how that ended']],
  run: async ({ open }) => {
    const schedules = await (await open()).inspection.schedules();
    return {
      data: { schedules },
      text: schedules.length === 0 ? 'there are no schedules of run time' : table(['NAME', 'CRON', 'ZONE', 'TASK', 'NEXT', 'LAST', 'OUTCOME', 'PAUSED'], schedules.map(rowOf)),
    };
  },
};

export const schedulesPause: Verb = {
  name: 'schedules pause',
  summary: 'let a schedule fire no more, until it is resumed',
  arguments: [NAME],
  options: [REASON, BY],
  examples: [['schedules pause nightly-report --reason "the report is wrong"', 'in every process and through restarts']],
  run: async ({ open }, call) => {
    const name = textArgument(call, 0);
    const { by, reason = 'no reason given' } = whoAndWhy(call);
    await (await open()).parts.actions.pauseSchedules(name, { by, reason });
    return { data: { paused: { name, by, reason } }, text: `the schedule "${name}" is paused` };
  },
};

export const schedulesResume: Verb = {
  name: 'schedules resume',
  summary: 'let a schedule fire again, from its next tick on',
  arguments: [NAME],
  options: [BY, REASON],
  examples: [['schedules resume nightly-report', 'ticks of the pause are not made up for']],
  run: async ({ open }, call) => {
    const name = textArgument(call, 0);
    if ((await (await open()).parts.actions.resumeSchedules(name, whoAndWhy(call))).matched === 0) throw new RefusedError(`The schedule "${name}" was not paused.`, { name });
    return { data: { resumed: { name } }, text: `the schedule "${name}" goes on` };
  },
};

export const schedulesTrigger: Verb = {
  name: 'schedules trigger',
  summary: 'publish the task of a schedule now, beside its ticks',
  arguments: [NAME],
  options: [BY, REASON],
  examples: [['schedules trigger nightly-report', 'prints the uuid of the task']],
  run: async ({ open }, call) => {
    const name = textArgument(call, 0);
    const { concerned } = await (await open()).parts.actions.triggerSchedules(name, whoAndWhy(call));
    const triggered = concerned.map(({ id, task }) => ({ name: id, uuid: task }));
    return { data: { triggered: name.includes('*') ? triggered : triggered[0] }, text: triggered.map(({ uuid }) => uuid).join('\n') };
  },
};

export const schedulesRemove: Verb = {
  name: 'schedules remove',
  summary: 'remove a schedule of run time for good',
  arguments: [NAME],
  options: [YES, BY, REASON],
  examples: [['schedules remove nightly-report --yes', 'what it has published runs all the same']],
  run: async (context, call) => {
    const name = textArgument(call, 0);
    const { parts: { actions } } = await context.open();
    await confirm(context, option(call, 'yes') === true, `remove the schedule "${name}" for good`, name);
    await actions.removeSchedules(name, whoAndWhy(call));
    return { data: { removed: { name } }, text: `the schedule "${name}" is removed` };
  },
};

function rowOf({ name, cron, timeZone, task, nextTick, firings: [last], paused }: ScheduleInfo): readonly unknown[] {
  const outcome = last?.error ?? (last?.outcome === undefined ? undefined : `${last.outcome.state}${last.outcome.error === undefined ? '' : `: ${last.outcome.error}`}`);
  return [name, cron, timeZone ?? 'UTC', task, nextTick, last?.tick, outcome === undefined ? undefined : shortened(outcome, 80), paused === undefined ? undefined : `by ${printable(paused.by)}: ${printable(paused.reason)}`];
}
