import type { PauseKind, PauseTarget, TaskInput } from '../../index.js';
import { PRIORITIES } from '../../task/priority.js';
import type { ActionAnswer } from '../answers.js';
import type { Fields } from '../http/fields.js';
import { badRequest, notFound } from '../http/refusal.js';
import { deadLetterFilter } from './dead-letters.js';
import { argumentsOf, exactValue } from './exact-json.js';
import type { Panel } from './panel.js';

export type Action = (panel: Panel, fields: Fields, by: string) => Promise<ActionAnswer>;

const KINDS: readonly PauseKind[] = ['queue', 'task', 'worker'];
const MOST_CANCELLED = 1_000;
const MOST_DELAY_SECONDS = 366 * 24 * 3600;

/** What a page may do, by its name in the URL. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  pause: async ({ service }, fields, by) => {
    const [target, name] = targetOf(fields);
    await service.pause(target, { by, reason: fields.required('reason', 1_000) });
    return { text: `Paused ${name}.` };
  },
  resume: async ({ service }, fields) => {
    const [target, name] = targetOf(fields);
    return { text: await service.resume(target) ? `Resumed ${name}.` : `It was not paused: ${name}.` };
  },
  purge: async ({ service }, fields) => {
    const queue = confirmed(fields, 'queue');
    const count = await service.purge(queue);
    return { text: `Removed ${count} waiting tasks from ${queue}.`, count };
  },
  cancel: async ({ service }, fields, by) => {
    const uuids = fields.list('uuids', MOST_CANCELLED);
    const reason = fields.text('reason', 1_000);
    await service.cancel(uuids, { by, ...(reason === undefined ? {} : { reason }) });
    return { text: `Called off ${uuids.length === 1 ? 'the task' : `${uuids.length} tasks`}.`, count: uuids.length };
  },
  send: async ({ service }, fields) => {
    const { uuid } = await service.publish(taskToSend(fields));
    return { text: `Sent as ${uuid}.`, uuid };
  },
  replay: async ({ service, deadLetterTurns }, fields) => {
    const [queue, id, args] = [fields.required('queue'), fields.required('id'), fields.text('args', Infinity)];
    const edited = args === undefined ? undefined : { args: argumentsOf(args) };
    if (!await deadLetterTurns.take(() => service.deadLetters.replay(queue, id, edited))) throw gone();
    return { text: `Replayed ${id}.`, count: 1 };
  },
  discard: async ({ service, deadLetterTurns }, fields) => {
    const [queue, id] = [fields.required('queue'), fields.required('id')];
    if (!await deadLetterTurns.take(() => service.deadLetters.discard(queue, id))) throw gone();
    return { text: `Discarded ${id}.`, count: 1 };
  },
  'replay-all': async ({ service, deadLetterTurns, curtain }, fields) => {
    const [queue, limit] = [fields.required('queue'), counted(fields)];
    const filter = deadLetterFilter(fields, curtain);
    const { replayed, failed } = await deadLetterTurns.take(() => service.deadLetters.replayAll(queue, { filter, limit }));
    return { text: `Replayed ${replayed} of ${limit}.`, count: replayed, failed: failed.map(({ id, error }) => ({ id, error: error.message })) };
  },
  'discard-all': async ({ service, deadLetterTurns, curtain }, fields) => {
    const [queue, limit] = [confirmed(fields, 'queue'), counted(fields)];
    const filter = deadLetterFilter(fields, curtain);
    const count = await deadLetterTurns.take(() => service.deadLetters.discardAll(queue, { filter, limit }));
    return { text: `Discarded ${count} of ${limit}.`, count };
  },
  'schedule-pause': async ({ service }, fields, by) => {
    const name = fields.required('name');
    await service.schedules.pause(name, { by, reason: fields.required('reason', 1_000) });
    return { text: `Paused the schedule ${name}.` };
  },
  'schedule-resume': async ({ service }, fields) => {
    const name = fields.required('name');
    return { text: await service.schedules.resume(name) ? `Resumed the schedule ${name}.` : `It was not paused: ${name}.` };
  },
  'schedule-trigger': async ({ service }, fields) => {
    const { uuid } = await service.schedules.trigger(fields.required('name'));
    return { text: `Sent as ${uuid}.`, uuid };
  },
  'schedule-remove': async ({ service }, fields) => {
    const name = confirmed(fields, 'name');
    await service.schedules.remove(name);
    return { text: `Removed the schedule ${name}.` };
  },
  'release-key': async ({ service }, fields, by) => {
    const isFreed = await service.releaseUnique(fields.required('key', 1_000), { by, reason: fields.required('reason', 1_000) });
    return { text: isFreed ? 'Freed the unique key.' : 'Nobody held it any more.', count: isFreed ? 1 : 0 };
  },
  'workflow-cancel': async ({ service }, fields, by) => {
    const reason = `${by}: ${fields.text('reason', 500) ?? 'no reason was given'}`;
    return { text: await service.workflow(fields.required('uuid', 255)).cancel(reason.slice(0, 1_000)) ? 'Called off the workflow.' : 'It had ended before.' };
  },
  'workflow-retry': async ({ service }, fields) => {
    const count = await service.workflow(fields.required('uuid', 255)).retry();
    return { text: `${count} steps go on.`, count };
  },
};

function targetOf(fields: Fields): [PauseTarget, string] {
  const [kind, name] = [fields.oneOf('kind', KINDS), fields.required('name')];
  if (kind === undefined) throw badRequest('"kind" is missing.');
  return [{ [kind]: name } as unknown as PauseTarget, `the ${kind} ${name}`];
}

/** What destroys is named twice: once by the page, once by the person who typed it. */
function confirmed(fields: Fields, name: string): string {
  const value = fields.required(name);
  if (fields.text('confirm') !== value) throw badRequest(`Type "${value}" to confirm this.`);
  return value;
}

/** What somebody was told it would concern: later ones are not meant. */
function counted(fields: Fields): number {
  const count = fields.number('expected', 1, Number.MAX_SAFE_INTEGER);
  if (count === undefined) throw badRequest('"expected" is missing: how many were counted before.');
  return count;
}

function taskToSend(fields: Fields): TaskInput {
  const [args, headers] = [fields.text('args', Infinity), fields.text('headers', Infinity)];
  const [routingKey, uuid] = [fields.text('routingKey', 255), fields.text('uuid', 255)];
  const [delaySeconds, priority] = [fields.number('delaySeconds', 0, MOST_DELAY_SECONDS), fields.oneOf('priority', PRIORITIES)];
  return {
    name: fields.required('name', 1_000), args: args === undefined ? [] : argumentsOf(args),
    ...(headers === undefined ? {} : { headers: exactValue(headers) as TaskInput['headers'] }),
    ...(routingKey === undefined ? {} : { routingKey }), ...(uuid === undefined ? {} : { uuid }),
    ...(delaySeconds === undefined ? {} : { delaySeconds }), ...(priority === undefined ? {} : { priority }),
  };
}

function gone(): Error {
  return notFound('This dead letter is not there any more: somebody has replayed or discarded it.');
}
