import { deadLetterQueueOf } from '../../task/dead-letter-queue.js';
import { undeliveredQueueOf } from '../../task/undelivered.js';
import type { Pause } from '../../control/pause.js';
import { ExitCode } from '../exit-code.js';
import { UsageError } from '../failures.js';
import { printable, table } from '../output/text.js';
import type { Session } from '../session/session.js';
import { listArgument, type Answer, type Verb, type VerbCall, type VerbContext } from '../verb.js';
import { queueTable } from './queue-table.js';

export const queues: Verb = {
  name: 'queues',
  summary: 'how many tasks wait, run, and are dead',
  notes: ['Without names: the queues of all workers that answer. Named ones are counted whether anybody works on them or not; what workers hold is in no count of the broker then.'],
  arguments: [{ name: '[queues...]', about: 'names of work queues; default: "queues" of the configuration, else those of all workers' }],
  examples: [
    ['queues', 'those of all workers, with what was done in the last minute'],
    ['queues orders --json | jq ".queues[0].waiting"', 'one number, for a script'],
  ],
  run: look,
};

interface QueueCount {
  readonly name: string;
  /** Absent: there is no such queue. */
  readonly waiting?: number;
  readonly dead?: number;
  readonly pause?: Pause;
}

async function look(context: VerbContext, call: VerbCall): Promise<Answer> {
  const named = listArgument(call, 0);
  if (named.length === 0 && context.settings.queues.length === 0) return worked(await context.open());
  const names = queuesNamed(call, 0, context);
  const session = await context.open();
  const pauses = await session.parts.operations.paused();
  const counts: QueueCount[] = [];
  for (const name of names) counts.push(await countOf(session, name, pauses));
  const delayed = await session.broker.delayedCount();
  const undelivered = await session.broker.depth(undeliveredQueueOf(session.exchange)) ?? 0;
  return {
    data: { queues: counts, delayed, undelivered },
    text: `${table(['QUEUE', 'WAITING', 'DEAD', 'PAUSED'], counts.map(rowOf))}\n\ndelayed: ${delayed}, undelivered: ${undelivered}`,
    exitCode: counts.some(({ waiting }) => waiting === undefined) ? ExitCode.refused : ExitCode.ok,
  };
}

async function worked({ inspection }: Session): Promise<Answer> {
  const report = await inspection.queues();
  const { queues: all, delayed, undelivered } = report;
  return { data: report, text: `${all.length === 0 ? 'no worker has answered' : queueTable(all)}\n\ndelayed: ${delayed}, undelivered: ${undelivered}` };
}

async function countOf({ parts, broker }: Session, name: string, pauses: readonly Pause[]): Promise<QueueCount> {
  const waiting = await parts.operations.depth(name);
  const dead = await broker.depth(deadLetterQueueOf(name));
  const pause = pauses.find((one) => one.kind === 'queue' && one.name === name);
  return { name, ...waiting === undefined ? {} : { waiting }, ...dead === undefined ? {} : { dead }, ...pause === undefined ? {} : { pause } };
}

function rowOf({ name, waiting, dead, pause }: QueueCount): readonly unknown[] {
  return [name, waiting ?? 'no such queue', dead, pause === undefined ? undefined : `by ${printable(pause.by)}: ${printable(pause.reason)}`];
}

/** Those of the command, or of the configuration. @throws UsageError where neither names one */
export function queuesNamed(call: VerbCall, index: number, { settings }: Pick<VerbContext, 'settings'>): readonly string[] {
  const named = listArgument(call, index);
  const names = named.length > 0 ? named : settings.queues;
  if (names.length === 0) throw new UsageError('It is not said which queues are meant: RabbitMQ does not list them. Name them, or put "queues": ["orders"] into the configuration.');
  return [...new Set(names)];
}
