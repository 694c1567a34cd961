import type { PauseKind, PauseTarget } from '../../control/pause.js';
import { RefusedError, UsageError } from '../failures.js';
import { whoIsHere } from '../options.js';
import type { Session } from '../session/session.js';
import { taskArguments } from '../task-arguments.js';
import { noSuchLetter } from '../verbs/dead-look.js';
import { DEAD_FILTER, deadConditions, QUEUE, REASON } from './filters.js';
import type { Given, Property, Tool } from './tool.js';

const KINDS: readonly PauseKind[] = ['queue', 'task', 'worker'];
const TARGET: Readonly<Record<string, Property>> = { kind: { type: 'string', description: 'what it is', enum: KINDS }, name: { type: 'string', description: 'its name' } };
const WORKER: Readonly<Record<string, Property>> = { worker: { type: 'string', description: 'their name' } };
const MOST_AT_ONCE = 100_000;
const ARGUMENTS: Property = { type: 'string', description: 'its arguments as the JSON text of a list: [1, "a"], or with types: [{"type":"int64","value":9007199254740993}]' };
const MOST_UUIDS = 100;
const MOST_LETTERS = 10_000;
const SOME_LETTERS: Readonly<Record<string, Property>> = {
  queue: QUEUE, id: { type: 'string', description: 'of one dead letter, as `dead_letters` tells it' }, ...DEAD_FILTER,
  expected: { type: 'integer', description: 'where no id is given: how many fit the conditions, as was counted before. If there are more or fewer by now, nothing is done', minimum: 1, maximum: MOST_LETTERS },
};

/** What somebody has allowed. */
export const ACTS: readonly Tool[] = [
  { name: 'pause', title: 'Pause', kind: 'change', description: 'Pauses a queue, a task name or a worker in every process, through restarts, until it is resumed. What runs ends; nothing is lost.', properties: { ...TARGET, reason: REASON }, required: ['kind', 'name', 'reason'], run: pause },
  { name: 'resume', title: 'Resume', kind: 'change', description: 'Ends a pause.', properties: TARGET, required: ['kind', 'name'], run: async ({ parts }, given) => ({ wasPaused: await parts.operations.resume(targetOf(given)) }) },
  { name: 'limit', title: 'Limit workers', kind: 'change', description: 'How many tasks the workers of a name run at once, each of them, in every process and through restarts, in place of their configuration. Nothing that runs is stopped.', properties: { ...WORKER, limit: { type: 'integer', description: 'how many at once', minimum: 1, maximum: MOST_AT_ONCE }, reason: REASON }, required: ['worker', 'limit', 'reason'], run: limit },
  { name: 'unlimit', title: 'Take a limit back', kind: 'change', description: 'Takes back what `limit` has set: the configuration counts again.', properties: WORKER, required: ['worker'], run: async ({ parts }, { worker }) => ({ wasLimited: (await parts.actions.unlimit(worker as string, { by: by() })).matched > 0 }) },
  { name: 'trigger', title: 'Trigger a schedule', kind: 'change', description: 'Publishes the task of a schedule now, beside its ticks.', properties: { schedule: { type: 'string', description: 'its name' } }, required: ['schedule'], run: trigger },
  { name: 'send', title: 'Send a task', kind: 'change', description: 'Publishes one task. It is accepted once the broker has confirmed it.', properties: { name: { type: 'string', description: 'of the task' }, arguments: ARGUMENTS, routingKey: { type: 'string', description: 'where to, unless where tasks go by default' } }, required: ['name'], run: send },
  { name: 'cancel', title: 'Cancel tasks', kind: 'destroy', description: 'Calls tasks off by their uuids, wherever they are: what waits does not run any more, what runs is asked to stop. Whether there are such tasks, nobody knows.', properties: { uuids: { type: 'array', description: 'of the tasks', items: { type: 'string' }, minItems: 1, maxItems: MOST_UUIDS }, reason: REASON }, required: ['uuids'], run: cancel },
  { name: 'replay', title: 'Replay dead letters', kind: 'destroy', description: 'Runs dead letters anew, one by its id, or all that fit where their number is as expected: same uuid, attempt 1. One may get other arguments.', properties: { ...SOME_LETTERS, arguments: { ...ARGUMENTS, description: `with an id: ${ARGUMENTS.description}` } }, required: ['queue'], run: replay },
  { name: 'discard', title: 'Discard dead letters', kind: 'destroy', description: 'Removes dead letters for good, one by its id, or all that fit where their number is as expected.', properties: SOME_LETTERS, required: ['queue'], run: discard },
];

function by(): string {
  return `mcp (${whoIsHere()})`;
}

function targetOf({ kind, name }: Given): PauseTarget {
  return { [kind as PauseKind]: name } as unknown as PauseTarget;
}

async function pause({ parts }: Session, given: Given): Promise<object> {
  const { kind, name, reason } = given;
  await parts.operations.pause(targetOf(given), { by: by(), reason: reason as string });
  return { paused: { kind, name, reason } };
}

async function limit({ parts }: Session, { worker, limit: most, reason }: Given): Promise<object> {
  await parts.actions.limit(worker as string, most as number, { by: by(), reason: reason as string });
  return { worker, limit: most, reason };
}

async function trigger({ parts }: Session, { schedule }: Given): Promise<object> {
  const { uuid } = await parts.scheduling.schedules.trigger(schedule as string);
  return { triggered: schedule, uuid };
}

async function send({ parts }: Session, { name, arguments: args, routingKey }: Given): Promise<object> {
  const task = { name: name as string, args: args === undefined ? [] : taskArguments(args as string), ...(routingKey === undefined ? {} : { routingKey: routingKey as string }) };
  const { uuid, unique } = await parts.publishing.publisher.publish(task, []);
  return { sent: name, uuid, ...(unique === undefined ? {} : { unique }) };
}

async function cancel({ parts }: Session, { uuids, reason }: Given): Promise<object> {
  await parts.operations.cancel(uuids as readonly string[], { by: by(), ...(reason === undefined ? {} : { reason: reason as string }) });
  return { cancelled: uuids };
}

async function replay({ parts: { deadLetters } }: Session, given: Given): Promise<object> {
  const { queue, id, arguments: args } = given as { queue: string; id?: string; arguments?: string };
  if (id !== undefined) {
    requireOnly(given, ['queue', 'id', 'arguments']);
    if (!await deadLetters.replay(queue, id, args === undefined ? {} : { args: taskArguments(args) })) throw noSuchLetter(queue, [id]);
    return { replayed: 1, failed: [] };
  }
  if (args !== undefined) throw new UsageError('Other arguments are for one dead letter: give its "id".');
  return deadLetters.replayAll(queue, await selected({ parts: { deadLetters } }, given));
}

async function discard({ parts: { deadLetters } }: Session, given: Given): Promise<object> {
  const { queue, id } = given as { queue: string; id?: string };
  if (id === undefined) return { discarded: await deadLetters.discardAll(queue, await selected({ parts: { deadLetters } }, given)) };
  requireOnly(given, ['queue', 'id']);
  if (!await deadLetters.discard(queue, id)) throw noSuchLetter(queue, [id]);
  return { discarded: 1 };
}

function requireOnly(given: Given, names: readonly string[]): void {
  const more = Object.keys(given).find((name) => !names.includes(name));
  if (more !== undefined) throw new UsageError(`"id" names one dead letter; "${more}" is for several. Give one of the two.`);
}

/** No more than were counted, and none where that was another number. */
async function selected({ parts: { deadLetters } }: { readonly parts: Pick<Session['parts'], 'deadLetters'> }, given: Given): Promise<{ filter: ReturnType<typeof deadConditions>; limit: number }> {
  const { queue, expected } = given as { queue: string; expected?: number };
  if (expected === undefined) throw new UsageError('It is not said which are meant: give the "id" of one, or "expected", how many fit the conditions.');
  const filter = deadConditions(given);
  const { count } = await deadLetters.count(queue, { filter });
  if (count !== expected) throw new RefusedError(`${count} dead letters of "${queue}" fit, and ${expected} were expected. Nothing was done. Look again, and say how many there are.`);
  return { filter, limit: expected };
}
