import type { DrainProgress } from '../../control/drain.js';
import type { PauseKind, PauseTarget } from '../../control/pause.js';
import type { CancelActionOptions } from '../../dispatcher/actions/action-options.js';
import type { ActionResult } from '../../dispatcher/actions/action-result.js';
import type { TaskFilter } from '../../inspection/model.js';
import { confirm } from '../confirm.js';
import { ExitCode } from '../exit-code.js';
import { RefusedError, UsageError } from '../failures.js';
import { BY, count, DRY_RUN, REASON, seconds, whoAndWhy, YES } from '../options.js';
import { counted, table } from '../output/text.js';
import { type Answer, listArgument, option, textArgument, type Verb, type VerbArgument, type VerbCall, type VerbContext } from '../verb.js';
import { moreOf, wouldBe } from './action-answers.js';
import { queuesNamed } from './queues.js';
import { filterOf, TASK_FILTER } from './task-lists.js';

const KINDS: readonly PauseKind[] = ['queue', 'task', 'worker'];
const PLACES = ['running', 'waiting', 'both'];
const TARGET: readonly VerbArgument[] = [{ name: '<kind>', about: 'what it is', choices: KINDS }, { name: '<name>', about: 'its name' }];

export const pause: Verb = {
  name: 'pause',
  summary: 'pause a queue, a task name or a worker, in every process',
  notes: ['It stays paused through restarts until it is resumed. What runs ends; nothing is lost. A name with * stands for all known ones that fit.'],
  arguments: TARGET,
  options: [{ ...REASON, flags: '--reason <why>' }, BY, DRY_RUN],
  examples: [['pause queue orders --reason "the database moves"', 'nothing of this queue starts any more'], ['pause task "mail.*" --dry-run', 'which names that would be']],
  run: async ({ open }, call) => {
    const { by, reason = 'no reason given' } = whoAndWhy(call);
    const { parts: { actions } } = await open();
    const result = await actions.pause(targetOf(call), { by, reason, dryRun: option(call, 'dryRun') === true });
    if (result.dryRun) return wouldBe(result, 'paused');
    return { data: { paused: { ...namesOf(call), by, reason }, ...severalOf(call, result) }, text: saying(call, result, 'paused') };
  },
};

export const resume: Verb = {
  name: 'resume',
  summary: 'end a pause',
  arguments: TARGET,
  options: [REASON, BY, DRY_RUN],
  examples: [['resume queue orders', 'its tasks start again'], ['resume queue "*"', 'every queue that is paused']],
  run: async ({ open }, call) => {
    const { parts: { actions } } = await open();
    const result = await actions.resume(targetOf(call), { ...whoAndWhy(call), dryRun: option(call, 'dryRun') === true });
    if (result.dryRun) return wouldBe(result, 'resumed');
    if (result.matched === 0) throw new RefusedError(`${textArgument(call, 0)} "${textArgument(call, 1)}" was not paused. \`paused\` lists what is.`, namesOf(call));
    return { data: { resumed: namesOf(call), ...severalOf(call, result) }, text: saying(call, result, 'resumed') };
  },
};

export const paused: Verb = {
  name: 'paused',
  summary: 'what is paused, by whom, since when and why',
  examples: [['paused', 'all pauses of the exchange']],
  run: async ({ open }) => {
    const pauses = await (await open()).parts.operations.paused();
    return {
      data: { pauses },
      text: pauses.length === 0 ? 'nothing is paused' : table(['KIND', 'NAME', 'BY', 'SINCE', 'REASON'], pauses.map((one) => [one.kind, one.name, one.by, one.since, one.reason])),
    };
  },
};

export const cancel: Verb = {
  name: 'cancel',
  summary: 'call tasks off: by their uuids, or by what they are',
  notes: [
    'What waits, is delayed or is to be retried does not run any more; what runs is asked to stop. Whether there is a task of a uuid, nobody knows.',
    'By conditions it looks among what runs and among the first that wait in each queue, and asks before it calls them off; of quorum queues, where looking counts as a delivery, and of those whose type no process knows, only with --peek. What is delayed cannot be found.',
  ],
  arguments: [{ name: '[uuids...]', about: 'of the tasks' }],
  options: [
    ...TASK_FILTER,
    { flags: '--where <place>', about: 'among what runs, what waits, or both', choices: PLACES, fallback: 'both' },
    { flags: '--peek <count>', about: 'so many waiting tasks of each queue are looked through, to 10000', parse: count, fallback: '1000 of classic queues' },
    DRY_RUN, YES, BY, REASON,
  ],
  examples: [
    ['cancel 3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11 --reason "sent twice"', 'one task'],
    ['cancel --name "report.*" --arg 0.customer.id=42 --dry-run', 'how many, and which'],
  ],
  run: async (context, call) => {
    const uuids = listArgument(call, 0);
    const filter = filterOf(call);
    if ((uuids.length > 0) === (Object.keys(filter).length > 0)) throw new UsageError('Name the tasks that are meant: either by their uuids, or by conditions such as --name or --queue.');
    return uuids.length > 0 ? cancelThese(context, call, uuids) : cancelFound(context, call, filter);
  },
};

async function cancelThese({ open }: VerbContext, call: VerbCall, uuids: readonly string[]): Promise<Answer> {
  const result = await (await open()).parts.actions.cancel(uuids, { ...whoAndWhy(call), dryRun: option(call, 'dryRun') === true });
  return result.dryRun ? wouldBe(result, 'called off') : { data: { cancelled: uuids }, text: `${counted(uuids.length, 'task')} called off` };
}

/** Counted first; of what has come since none is concerned. */
async function cancelFound(context: VerbContext, call: VerbCall, filter: TaskFilter): Promise<Answer> {
  const { parts: { actions } } = await context.open();
  const [where, peek] = [option<CancelActionOptions['where']>(call, 'where'), option<number>(call, 'peek')];
  const options = { ...whoAndWhy(call), ...where === undefined ? {} : { where }, ...peek === undefined ? {} : { peek } };
  const found = await actions.cancel(filter, { ...options, dryRun: true });
  if (option(call, 'dryRun') === true || found.matched === 0) return wouldBe(found, 'called off');
  await confirm(context, option(call, 'yes') === true, `call off ${counted(found.matched, 'task')}`, String(found.matched));
  const { done, concerned, truncated } = await actions.cancel(filter, { ...options, expected: found.matched });
  return { data: { cancelled: concerned.map(({ id }) => id), done, truncated }, text: [`${counted(done, 'task')} called off`, ...moreOf({ truncated })].join('\n') };
}

export const purge: Verb = {
  name: 'purge',
  summary: 'remove for good all tasks that wait in a queue',
  notes: ['Those that workers hold and delayed ones stay. Whoever waits for one of them is told that it was removed.'],
  arguments: [{ name: '<queue>', about: 'name of the work queue' }],
  options: [DRY_RUN, YES, BY, REASON],
  examples: [['purge orders --dry-run', 'how many there are'], ['purge orders --yes', 'removes them without asking']],
  run: async (context, call) => {
    const queue = textArgument(call, 0);
    const { parts: { operations, actions } } = await context.open();
    const waiting = await operations.depth(queue);
    if (waiting === undefined) throw new RefusedError(`There is no queue "${queue}".`, { queue });
    if (option(call, 'dryRun') === true) return { data: { queue, dryRun: true, waiting }, text: `${counted(waiting, 'task')} would be removed` };
    const yes = option(call, 'yes') === true;
    await confirm(context, yes, `remove ${counted(waiting, 'task')} of the queue "${queue}" for good`, queue);
    const { done: removed } = await actions.purge(queue, { ...whoAndWhy(call), ...yes ? {} : { expected: waiting } });
    return { data: { queue, dryRun: false, removed }, text: `${counted(removed, 'task')} removed` };
  },
};

export const drain: Verb = {
  name: 'drain',
  summary: 'wait until queues are worked off',
  notes: ['It stops nothing. Tasks in the hands of workers are in no count of the broker: it waits for what waits and what is delayed.'],
  arguments: [{ name: '[queues...]', about: 'names of work queues; default: "queues" of the configuration' }],
  options: [
    { flags: '--timeout <duration>', about: 'how long to wait at most', parse: seconds, fallback: '5m' },
    { flags: '--delayed', about: 'delayed tasks count too, whatever queue they are for' },
    BY, REASON,
  ],
  examples: [['drain orders --timeout 10m && deploy', 'goes on when nothing waits']],
  run: async (context, call) => {
    const names = queuesNamed(call, 0, context);
    const { parts: { actions } } = await context.open();
    const timeoutSeconds = option<number>(call, 'timeout');
    let most = 0;
    const bar = context.progress('draining', undefined);
    const onProgress = (progress: DrainProgress): void => {
      const left = leftOf(progress);
      most = Math.max(most, left);
      bar.set(most - left, most);
    };
    await actions.drain({ queues: names, delayed: option(call, 'delayed') === true, onProgress, ...timeoutSeconds === undefined ? {} : { timeoutSeconds } }, whoAndWhy(call));
    return { data: { drained: names }, text: 'nothing waits', exitCode: ExitCode.ok };
  },
};

function leftOf({ waiting, delayed = 0 }: DrainProgress): number {
  return Object.values(waiting).reduce((sum, count) => sum + count, delayed);
}

function targetOf(call: VerbCall): PauseTarget {
  return { [textArgument(call, 0)]: textArgument(call, 1) } as unknown as PauseTarget;
}

function namesOf(call: VerbCall): { kind: string; name: string } {
  return { kind: textArgument(call, 0), name: textArgument(call, 1) };
}

/** Of a pattern also which they were. */
function severalOf(call: VerbCall, { done, failed, concerned }: ActionResult): object {
  return textArgument(call, 1).includes('*') ? { done, failed, names: concerned.map(({ id }) => id) } : {};
}

function saying(call: VerbCall, { done, failed }: ActionResult, what: string): string {
  const [kind, name] = [textArgument(call, 0), textArgument(call, 1)];
  if (!name.includes('*')) return what === 'paused' ? `${kind} "${name}" is paused` : `${kind} "${name}" goes on`;
  return [`${counted(done, kind)} ${what}`, ...failed.map(({ id, error }) => `not ${id}: ${error}`)].join('\n');
}
