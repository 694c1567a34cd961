import type { DeadLetter } from '../../dead-letters/dead-letter.js';
import type { EndedState } from '../../inspection/model.js';
import { Redaction } from '../../inspection/redaction.js';
import type { StepProgress } from '../../workflows/workflow-progress.js';
import { RefusedError } from '../failures.js';
import { noSuchLetter } from '../verbs/dead-look.js';
import { processesOf } from '../verbs/inspect.js';
import { DEAD_FILTER, deadConditions, ENDED_FILTER, LIMIT, limitOf, QUEUE, RUNNING_FILTER, taskFilter, UUID } from './filters.js';
import type { Tool } from './tool.js';

const STATES: readonly EndedState[] = ['succeeded', 'failed', 'retrying', 'cancelled', 'expired', 'dropped'];
/** As processes hide what stands under the name of a secret; dead letters are read here. */
const redaction = new Redaction();

function look(tool: Omit<Tool, 'kind'>): Tool {
  return { ...tool, kind: 'look' };
}

/** What changes nothing. */
export const LOOKS: readonly Tool[] = [
  look({ name: 'processes', title: 'Processes', description: 'The processes that use the exchange, with versions, memory, CPU, event-loop delay and their workers (limit, running, waiting, totals, rate). One that died without a word is "lost".', properties: {}, run: async (session) => ({ processes: await processesOf(session) }) }),
  look({ name: 'queues', title: 'Queues', description: 'All work queues: waiting, dead, unacknowledged, consumers, pause, and what was done in each of the last 60 minutes.', properties: {}, run: ({ inspection }) => inspection.queues() }),
  look({ name: 'running', title: 'Running tasks', description: 'What runs now in all processes, the longest first, with progress and arguments.', properties: RUNNING_FILTER, run: async ({ inspection }, given) => ({ tasks: await inspection.running({ ...taskFilter(given), limit: limitOf(given) }) }) }),
  look({ name: 'task', title: 'One task', description: 'Where a task is, why it waits, and each of its attempts with error and log lines.', properties: { uuid: UUID }, required: ['uuid'], run: ({ inspection }, { uuid }) => inspection.task(uuid as string) }),
  look({
    name: 'recent', title: 'Recently ended tasks', description: 'What has ended lately, the latest first, as the living processes remember it.',
    properties: { ...ENDED_FILTER, state: { type: 'string', description: 'how it ended', enum: STATES } },
    run: async ({ inspection }, given) => ({ tasks: await inspection.recent({ ...taskFilter(given), ...(given['state'] === undefined ? {} : { state: given['state'] as EndedState }), limit: limitOf(given) }) }),
  }),
  look({ name: 'failures', title: 'Failures by kind', description: 'What failed lately, grouped by task and kind of error, each with its count and an example.', properties: ENDED_FILTER, run: async ({ inspection }, given) => ({ groups: await inspection.failures({ ...taskFilter(given), limit: limitOf(given) }) }) }),
  look({ name: 'waiting', title: 'Waiting tasks', description: 'The first tasks that wait in a queue, which are held for the moment. Give a limit: without one nobody looks into a queue of which it is not known that it is a classic one, because a quorum queue counts each look as a delivery.', properties: { queue: QUEUE, limit: LIMIT }, required: ['queue'], run: ({ inspection }, { queue, limit }) => inspection.waiting(queue as string, limit === undefined ? {} : { peek: limit as number }) }),
  look({ name: 'schedules', title: 'Schedules', description: 'The schedules that were added at run time, with their next and last ticks. Those of @Task are in the code of the applications.', properties: {}, run: async ({ inspection }) => ({ schedules: await inspection.schedules() }) }),
  look({
    name: 'workflow', title: 'One workflow', description: 'Where the steps of a workflow are.', properties: { uuid: { ...UUID, description: 'uuid of the workflow' } }, required: ['uuid'],
    run: async ({ parts }, { uuid }) => {
      const progress = await parts.workflows.handle(uuid as string).progress();
      if (progress === undefined) throw new RefusedError(`Nothing is known of a workflow ${uuid as string}, or not any more.`);
      return { ...progress, root: withoutArguments(progress.root) };
    },
  }),
  look({
    name: 'dead_letters', title: 'Dead letters', description: 'The dead letters of a queue, the oldest first: tasks that could not be run, with the reason, the error and the arguments.',
    properties: { queue: QUEUE, ...DEAD_FILTER, limit: LIMIT, after: { type: 'string', description: '"next" of the page before' } }, required: ['queue'],
    run: async ({ parts: { deadLetters } }, given) => {
      const { letters, ...page } = await deadLetters.list(given['queue'] as string, { filter: deadConditions(given), limit: limitOf(given), ...(given['after'] === undefined ? {} : { after: given['after'] as string }) });
      return { letters: letters.map((letter) => toldLetter(letter)), ...page };
    },
  }),
  look({
    name: 'dead_letter', title: 'One dead letter', description: 'One dead letter with its stack, headers and every attempt.', properties: { queue: QUEUE, id: { type: 'string', description: 'its id, as `dead_letters` tells it' } }, required: ['queue', 'id'],
    run: async ({ parts: { deadLetters } }, { queue, id }) => {
      const letter = await deadLetters.get(queue as string, id as string);
      if (letter === undefined) throw noSuchLetter(queue as string, [id as string]);
      const { stack, headers, history } = letter;
      return { ...toldLetter(letter), stack, headers: redaction.headers(headers), history };
    },
  }),
];

/** Not its body: what is no task may hold anything. */
function toldLetter({ id, uuid, name, args, body, problem, reason, error, issues, attempt, replays, at, queue, worker, exchange, routingKey, position }: DeadLetter): object {
  return {
    id, uuid, name, args: redaction.args(args, { name: name ?? '', queue }), bodyBytes: body.length, problem, reason, error, issues, attempt, replays, at, queue, worker, exchange, routingKey, position,
  };
}

/** Its label is `name(arguments)`. */
function withoutArguments({ label, steps, ...step }: StepProgress): object {
  return { ...step, label: step.kind === 'task' ? label.replace(/\([^]*$/, '') : label, ...(steps === undefined ? {} : { steps: steps.map(withoutArguments) }) };
}
