import type { CancelOptions } from '../../control/cancellation.js';
import type { DrainProgress } from '../../control/drain.js';
import type { PauseKind, PauseTarget } from '../../control/pause.js';
import { confirm } from '../confirm.js';
import { ExitCode } from '../exit-code.js';
import { RefusedError } from '../failures.js';
import { BY, DRY_RUN, REASON, seconds, whoIsHere, YES } from '../options.js';
import { counted, table } from '../output/text.js';
import { listArgument, option, textArgument, type Verb, type VerbArgument, type VerbCall } from '../verb.js';
import { queuesNamed } from './queues.js';

const KINDS: readonly PauseKind[] = ['queue', 'task', 'worker'];
const TARGET: readonly VerbArgument[] = [{ name: '<kind>', about: 'what it is', choices: KINDS }, { name: '<name>', about: 'its name' }];

export const pause: Verb = {
  name: 'pause',
  summary: 'pause a queue, a task name or a worker, in every process',
  notes: ['It stays paused through restarts until it is resumed. What runs ends; nothing is lost.'],
  arguments: TARGET,
  options: [{ ...REASON, flags: '--reason <why>' }, BY],
  examples: [['pause queue orders --reason "the database moves"', 'nothing of this queue starts any more']],
  run: async ({ open }, call) => {
    const target = targetOf(call);
    const { parts: { operations } } = await open();
    const [by, reason] = [option<string>(call, 'by') ?? whoIsHere(), option<string>(call, 'reason') ?? 'no reason given'];
    await operations.pause(target, { by, reason });
    return { data: { paused: { ...namesOf(call), by, reason } }, text: `${textArgument(call, 0)} "${textArgument(call, 1)}" is paused` };
  },
};

export const resume: Verb = {
  name: 'resume',
  summary: 'end a pause',
  arguments: TARGET,
  examples: [['resume queue orders', 'its tasks start again']],
  run: async ({ open }, call) => {
    const target = targetOf(call);
    const { parts: { operations } } = await open();
    if (!await operations.resume(target)) throw new RefusedError(`${textArgument(call, 0)} "${textArgument(call, 1)}" was not paused. \`paused\` lists what is.`, namesOf(call));
    return { data: { resumed: namesOf(call) }, text: `${textArgument(call, 0)} "${textArgument(call, 1)}" goes on` };
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
  summary: 'call tasks off by their uuids, wherever they are',
  notes: ['What waits, is delayed or is to be retried does not run any more; what runs is asked to stop. Whether there is such a task, nobody knows.'],
  arguments: [{ name: '<uuids...>', about: 'of the tasks' }],
  options: [BY, REASON],
  examples: [['cancel 3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11 --reason "sent twice"', 'one task']],
  run: async ({ open }, call) => {
    const uuids = listArgument(call, 0);
    const reason = option<string>(call, 'reason');
    const options: CancelOptions = { by: option<string>(call, 'by') ?? whoIsHere(), ...reason === undefined ? {} : { reason } };
    await (await open()).parts.operations.cancel(uuids, options);
    return { data: { cancelled: uuids }, text: `${counted(uuids.length, 'task')} called off` };
  },
};

export const purge: Verb = {
  name: 'purge',
  summary: 'remove for good all tasks that wait in a queue',
  notes: ['Those that workers hold and delayed ones stay. Whoever waits for one of them is told that it was removed.'],
  arguments: [{ name: '<queue>', about: 'name of the work queue' }],
  options: [DRY_RUN, YES],
  examples: [['purge orders --dry-run', 'how many there are'], ['purge orders --yes', 'removes them without asking']],
  run: async (context, call) => {
    const queue = textArgument(call, 0);
    const { parts: { operations } } = await context.open();
    const waiting = await operations.depth(queue);
    if (waiting === undefined) throw new RefusedError(`There is no queue "${queue}".`, { queue });
    if (option(call, 'dryRun') === true) return { data: { queue, dryRun: true, waiting }, text: `${counted(waiting, 'task')} would be removed` };
    await confirm(context, option(call, 'yes') === true, `remove ${counted(waiting, 'task')} of the queue "${queue}" for good`, queue);
    const removed = await operations.purge(queue, []);
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
  ],
  examples: [['drain orders --timeout 10m && deploy', 'goes on when nothing waits']],
  run: async (context, call) => {
    const names = queuesNamed(call, 0, context);
    const { parts: { operations } } = await context.open();
    const timeoutSeconds = option<number>(call, 'timeout');
    let most = 0;
    const bar = context.progress('draining', undefined);
    const onProgress = (progress: DrainProgress): void => {
      const left = leftOf(progress);
      most = Math.max(most, left);
      bar.set(most - left, most);
    };
    await operations.drain({ queues: names, delayed: option(call, 'delayed') === true, onProgress, ...timeoutSeconds === undefined ? {} : { timeoutSeconds } });
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
