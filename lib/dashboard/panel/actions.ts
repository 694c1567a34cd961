import type { PauseKind, PauseTarget, TaskInput } from '../../index.js';
import { PRIORITIES } from '../../task/priority.js';
import { isTaken, SIGNAL_TEXTS } from '../../task/signal-outcome.js';
import type { Fields } from '../http/fields.js';
import { badRequest } from '../http/refusal.js';
import { confirmed, counted, who } from './asked.js';
import { DEAD_LETTER_ACTIONS } from './dead-letter-actions.js';
import { argumentsOf, exactValue } from './exact-json.js';
import { runningFilter } from './reads.js';
import type { Action } from './panel.js';

const KINDS: readonly PauseKind[] = ['queue', 'task', 'worker'];
const MOST_CANCELLED = 1_000;
const MOST_AT_ONCE = 100_000;
const MOST_DELAY_SECONDS = 366 * 24 * 3600;

/** What a page may do, by its name in the URL. */
export const ACTIONS: Readonly<Record<string, Action>> = {
  pause: async ({ service }, fields, by) => {
    const [target, name] = targetOf(fields);
    await service.actions.pause(target, { by, reason: fields.required('reason', 1_000) });
    return { text: `Paused ${name}.` };
  },
  resume: async ({ service }, fields, by) => {
    const [target, name] = targetOf(fields);
    const { matched } = await service.actions.resume(target, { by });
    return { text: matched > 0 ? `Resumed ${name}.` : `It was not paused: ${name}.` };
  },
  limit: async ({ service }, fields, by) => {
    const [name, limit] = [fields.required('name'), fields.number('limit', 1, MOST_AT_ONCE)];
    if (limit === undefined) throw badRequest('"limit" is missing.');
    await service.actions.limit(name, limit, who(fields, by));
    return { text: `Workers ${name} run ${limit} at once.` };
  },
  unlimit: async ({ service }, fields, by) => {
    const name = fields.required('name');
    const { matched } = await service.actions.unlimit(name, { by });
    return { text: matched > 0 ? `Workers ${name} run as many as they are configured to.` : `No limit was set: ${name}.` };
  },
  purge: async ({ service }, fields, by) => {
    const queue = confirmed(fields, 'queue');
    const { done } = await service.actions.purge(queue, { by });
    return { text: `Removed ${done} waiting tasks from ${queue}.`, count: done };
  },
  cancel: async ({ service }, fields, by) => {
    const uuids = fields.list('uuids', MOST_CANCELLED);
    await service.actions.cancel(uuids, who(fields, by));
    return { text: `Called off ${uuids.length === 1 ? 'the task' : `${uuids.length} tasks`}.`, count: uuids.length };
  },
  'cancel-all': async ({ service }, fields, by) => {
    const expected = counted(fields);
    const { done } = await service.actions.cancel(runningFilter(fields), { ...who(fields, by), where: 'running', expected });
    return { text: `Called off ${done} of ${expected}.`, count: done };
  },
  signal: async ({ service }, fields, by) => {
    const [uuid, signal, value] = [fields.required('uuid', 255), fields.required('signal', 200), fields.text('value', Infinity)];
    const outcome = await service.signal(uuid, signal, value === undefined ? undefined : exactValue(value), who(fields, by));
    return { text: SIGNAL_TEXTS[outcome], count: isTaken(outcome) ? 1 : 0 };
  },
  send: async ({ service }, fields, by) => {
    const { concerned: [sent] } = await service.actions.send([taskToSend(fields)], { by });
    return { text: `Sent as ${sent?.id}.`, ...(sent === undefined ? {} : { uuid: sent.id }) };
  },
  ...DEAD_LETTER_ACTIONS,
  'schedule-pause': async ({ service }, fields, by) => {
    const name = fields.required('name');
    await service.actions.pauseSchedules(name, { by, reason: fields.required('reason', 1_000) });
    return { text: `Paused the schedule ${name}.` };
  },
  'schedule-resume': async ({ service }, fields, by) => {
    const name = fields.required('name');
    const { matched } = await service.actions.resumeSchedules(name, { by });
    return { text: matched > 0 ? `Resumed the schedule ${name}.` : `It was not paused: ${name}.` };
  },
  'schedule-trigger': async ({ service }, fields, by) => {
    const { concerned: [triggered] } = await service.actions.triggerSchedules(fields.required('name'), { by });
    return { text: `Sent as ${triggered?.task}.`, ...(triggered?.task === undefined ? {} : { uuid: triggered.task }) };
  },
  'schedule-remove': async ({ service }, fields, by) => {
    const name = confirmed(fields, 'name');
    await service.actions.removeSchedules(name, { by });
    return { text: `Removed the schedule ${name}.` };
  },
  'release-key': async ({ service }, fields, by) => {
    const isFreed = await service.releaseUnique(fields.required('key', 1_000), { by, reason: fields.required('reason', 1_000) });
    return { text: isFreed ? 'Freed the unique key.' : 'Nobody held it any more.', count: isFreed ? 1 : 0 };
  },
  'workflow-cancel': async ({ service }, fields, by) => {
    const { done } = await service.actions.cancelWorkflows(fields.required('uuid', 255), who(fields, by));
    return { text: done > 0 ? 'Called off the workflow.' : 'It had ended before.', count: done };
  },
  'workflow-retry': async ({ service }, fields, by) => {
    const { concerned: [went] } = await service.actions.retryWorkflows(fields.required('uuid', 255), { by });
    return { text: went === undefined ? 'It has not failed.' : `${went.count} steps go on.`, count: went?.count ?? 0 };
  },
};

function targetOf(fields: Fields): [PauseTarget, string] {
  const [kind, name] = [fields.oneOf('kind', KINDS), fields.required('name')];
  if (kind === undefined) throw badRequest('"kind" is missing.');
  return [{ [kind]: name } as unknown as PauseTarget, `the ${kind} ${name}`];
}

function taskToSend(fields: Fields): TaskInput {
  const [args, headers] = [fields.text('args', Infinity), fields.text('headers', Infinity)];
  const [routingKey, uuid] = [fields.text('routingKey', 255), fields.text('uuid', 255)];
  const version = fields.number('version', 1, Number.MAX_SAFE_INTEGER);
  const [delaySeconds, priority] = [fields.number('delaySeconds', 0, MOST_DELAY_SECONDS), fields.oneOf('priority', PRIORITIES)];
  return {
    name: fields.required('name', 1_000), args: args === undefined ? [] : argumentsOf(args),
    ...(headers === undefined ? {} : { headers: exactValue(headers) as TaskInput['headers'] }),
    ...(version === undefined ? {} : { version }), ...(routingKey === undefined ? {} : { routingKey }), ...(uuid === undefined ? {} : { uuid }),
    ...(delaySeconds === undefined ? {} : { delaySeconds }), ...(priority === undefined ? {} : { priority }),
  };
}
