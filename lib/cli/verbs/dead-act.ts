import type { Address } from '../../brokers/broker.js';
import type { DeadLetter } from '../../dead-letters/dead-letter.js';
import type { DeadLetterCount } from '../../dead-letters/dead-letter-queues.js';
import type { DeadLetters } from '../../dead-letters/dead-letters.js';
import type { ActionOptions, DeadLetterSelection } from '../../dispatcher/actions/action-options.js';
import { confirm } from '../confirm.js';
import { ExitCode } from '../exit-code.js';
import { UsageError } from '../failures.js';
import { BECAUSE, BY, DRY_RUN, whoAndWhy, YES } from '../options.js';
import { counted } from '../output/text.js';
import { taskArguments } from '../task-arguments.js';
import { option, textArgument, type Answer, type Verb, type VerbCall, type VerbContext, type VerbOption } from '../verb.js';
import { BULK, conditionsOf, IDS, QUEUE, selectionOf, type Selection } from './dead-letter-filter.js';
import { noSuchLetter } from './dead-look.js';

const WHERE_TO: readonly VerbOption[] = [
  { flags: '--to-queue <queue>', about: 'straight to this queue', fallback: 'the queue that it died in' },
  { flags: '--to-routing-key <key>', about: 'to every queue bound to this key' },
];

export const deadReplay: Verb = {
  name: 'dead replay',
  summary: 'run dead letters anew: same uuid, attempt 1, history kept',
  notes: ['Each is removed from the dead letters once the broker has confirmed it; a crash in between leaves both. What cannot be sent stays, and is told.'],
  arguments: [QUEUE, IDS],
  options: [...BULK, ...WHERE_TO, DRY_RUN, BY, BECAUSE],
  examples: [
    ['dead replay orders 3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11', 'one'],
    ['dead replay orders --name charge --error ECONNREFUSED --dry-run', 'how many would be replayed'],
    ['dead replay orders --all', 'all of them'],
  ],
  run: replay,
};

export const deadEdit: Verb = {
  name: 'dead edit',
  summary: 'run one dead letter anew with other arguments',
  arguments: [QUEUE, { name: '<id>', about: 'its id' }],
  options: [
    { flags: '--args <json>', about: 'all of its arguments: [{"type":"int64","value":1}], or plain values, whose types are inferred' },
    ...WHERE_TO, BY, BECAUSE,
  ],
  examples: [["dead edit orders 3f0c6f3e-5a8b-4f0e-9a51-0d8b4d7c2a11 --args '[\"ada@example.com\", 3]'", 'the same task, mended']],
  run: async ({ open }, call) => {
    const [queue, id, text] = [textArgument(call, 0), textArgument(call, 1), option<string>(call, 'args')];
    if (text === undefined) throw new UsageError('It is not said which arguments it is to have. Write --args \'[1, "a"]\'.');
    const args = taskArguments(text);
    const { matched } = await (await open()).parts.actions.replay({ queue, ids: [id] }, { ...whoAndWhy(call, 'because'), ...destination(call), edit: () => args, expected: 1 });
    if (matched === 0) throw noSuchLetter(queue, [id]);
    return { data: { queue, replayed: id, args }, text: `${id} runs anew` };
  },
};

export const deadDiscard: Verb = {
  name: 'dead discard',
  summary: 'remove dead letters for good',
  arguments: [QUEUE, IDS],
  options: [...BULK, DRY_RUN, YES, BY, BECAUSE],
  examples: [
    ['dead discard orders --before 30d --dry-run', 'how many are older than thirty days'],
    ['dead discard orders --before 30d --yes', 'removes them without asking'],
  ],
  run: discard,
};

async function replay(context: VerbContext, call: VerbCall): Promise<Answer> {
  const queue = textArgument(call, 0);
  const [selection, to] = [selectionOf(call), destination(call)];
  const { parts: { deadLetters, actions } } = await context.open();
  const dryRun = option(call, 'dryRun') === true;
  if (dryRun) return counts(await found(deadLetters, queue, selection), queue, 'replayed');
  if (selection.ids.length > 0) await found(deadLetters, queue, selection);
  const bar = context.progress('replaying', undefined);
  const { done: replayed, failed, truncated } = await actions.replay(...bulkOf(call, selection, () => bar.add(), to));
  const told = [
    `${counted(replayed, 'dead letter')} replayed`,
    ...failed.map(({ id, error }) => `${id} stays: ${error}`),
    ...truncated ? ['there are more than can be looked through: call it again'] : [],
  ];
  return {
    data: { queue, dryRun, replayed, failed, truncated }, text: told.join('\n'),
    exitCode: failed.length > 0 || truncated ? ExitCode.refused : ExitCode.ok,
  };
}

async function discard(context: VerbContext, call: VerbCall): Promise<Answer> {
  const queue = textArgument(call, 0);
  const selection = selectionOf(call);
  const { parts: { deadLetters, actions } } = await context.open();
  const yes = option(call, 'yes') === true;
  const dryRun = option(call, 'dryRun') === true;
  if (dryRun || !yes || selection.ids.length > 0) {
    const fitting = await found(deadLetters, queue, selection);
    if (dryRun) return counts(fitting, queue, 'discarded');
    await confirm(context, yes, `discard ${counted(fitting.count, 'dead letter')} of the queue "${queue}" for good`, queue);
  }
  const bar = context.progress('discarding', undefined);
  const { done: discarded } = await actions.discard(...bulkOf(call, selection, () => bar.add()));
  return { data: { queue, dryRun, discarded }, text: `${counted(discarded, 'dead letter')} discarded` };
}

/** How many fit. @throws RefusedError where one that was named is not there */
async function found(deadLetters: DeadLetters, queue: string, { fits, ids, limit }: Selection): Promise<DeadLetterCount> {
  const missing = new Set(ids);
  const filter = (letter: DeadLetter): boolean => {
    missing.delete(letter.id);
    return fits(letter);
  };
  const count = await deadLetters.count(queue, { filter, ...limit === undefined ? {} : { limit } });
  if (missing.size > 0) throw noSuchLetter(queue, [...missing]);
  return count;
}

/** What is done to which of them; of the conditions the audit tells what was written. */
function bulkOf<To extends object>(call: VerbCall, { fits, ids, limit }: Selection, onFit: () => void, to?: To): [DeadLetterSelection, ActionOptions & To] {
  const filter = (letter: DeadLetter): boolean => {
    const does = fits(letter);
    if (does) onFit();
    return does;
  };
  const details = Object.fromEntries(Object.entries(conditionsOf(call)).map(([name, value]) => [name, value instanceof Date ? value.toISOString() : String(value)]));
  return [
    { queue: textArgument(call, 0), filter, ...ids.length === 0 ? {} : { ids } },
    { ...whoAndWhy(call, 'because'), details, ...limit === undefined ? {} : { expected: limit }, ...to } as ActionOptions & To,
  ];
}

function counts({ count, truncated }: DeadLetterCount, queue: string, what: string): Answer {
  return { data: { queue, dryRun: true, fitting: count, truncated }, text: `${truncated ? 'at least ' : ''}${counted(count, 'dead letter')} would be ${what}` };
}

function destination(call: VerbCall): { to?: Address } {
  const [queue, routingKey] = [option<string>(call, 'toQueue'), option<string>(call, 'toRoutingKey')];
  if (queue !== undefined && routingKey !== undefined) throw new UsageError('--to-queue and --to-routing-key exclude each other.');
  if (queue !== undefined) return { to: { queue } };
  return routingKey === undefined ? {} : { to: { routingKey } };
}
