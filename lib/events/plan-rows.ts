import { MOST_MISSED } from '../schedules/due-ticks.js';
import { instantText, messageOf } from '../task/error-text.js';
import type { EventRows, TypesOf } from './event-row.js';

/** Of workflows and schedules. */
export const PLAN_ROWS: EventRows<TypesOf<'workflow' | 'schedule'>> = {
  'workflow.published': { level: 'debug', fields: { workflow: true }, text: ({ workflow }) => `Workflow ${workflow} was published.` },
  'workflow.succeeded': {
    level: 'debug', fields: { workflow: true, durationMs: true },
    text: ({ workflow, durationMs }) => `Workflow ${workflow} has succeeded after ${durationMs} ms.`,
  },
  'workflow.failed': {
    level: 'warn', fields: { workflow: true, durationMs: true, reason: true },
    text: ({ workflow, reason }) => `Workflow ${workflow} has failed: ${reason}`,
  },
  'workflow.cancelled': { level: 'log', fields: { workflow: true, reason: true }, text: ({ workflow, reason }) => `Workflow ${workflow} was cancelled: ${reason}` },
  'workflow.resumed': {
    level: 'log', fields: { workflow: true, retries: true },
    text: ({ workflow, retries }) => `Workflow ${workflow} goes on after its failure${retries > 1 ? `, for the ${retries}. time` : ''}.`,
  },
  'workflow.problem': { level: 'warn', fields: { workflow: true, message: true, error: true }, text: ({ message, error }) => `${message} ${messageOf(error)}` },
  'schedule.fired': {
    level: 'debug', fields: { schedule: true, taskName: true, uuid: true, tick: true, lateMs: true },
    text: ({ schedule, taskName, uuid, tick, lateMs }) => `Schedule "${schedule}" published task "${taskName}" (${uuid}) for ${instantText(tick)}`
      + `${lateMs >= 1000 ? `, ${Math.round(lateMs / 1000)} s late` : ''}.`,
  },
  'schedule.missed': {
    level: 'warn', fields: { schedule: true, count: true, first: true, last: true },
    text: ({ schedule, count, first, last }) => `Schedule "${schedule}" missed ${count}${count >= MOST_MISSED ? ' or more' : ''} ticks, `
      + `from ${instantText(first)} to ${instantText(last)}; they are not fired any more.`,
  },
  'schedule.failed': {
    level: 'error', fields: { schedule: true, taskName: true, tick: true, error: true }, thrown: ({ error }) => error,
    text: ({ schedule, taskName, tick, error }) => `Schedule "${schedule}" could not publish task "${taskName}" for ${instantText(tick)}: ${messageOf(error)}`,
  },
  'schedule.problem': {
    level: 'warn', fields: { schedule: true, message: true, error: true },
    text: ({ schedule, message, error }) => `${schedule === undefined ? 'Schedules' : `Schedule "${schedule}"`}: ${message}${error === undefined ? '' : `: ${messageOf(error)}`}`,
  },
};
