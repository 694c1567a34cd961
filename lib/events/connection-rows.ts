import { DispatcherError } from '../errors.js';
import { instantText, messageOf } from '../task/error-text.js';
import type { DispatcherEvent } from './dispatcher-event.js';
import { inTime, type EventRows, type TypesOf } from './event-row.js';

/** Of the connections to the broker and to where results are kept. */
export const CONNECTION_ROWS: EventRows<TypesOf<'broker' | 'results'>> = {
  'broker.connected': {
    level: 'log', fields: { attempt: true },
    text: ({ attempt }) => `Connected to the broker${attempt > 1 ? ` at attempt ${attempt}` : ''}.`,
  },
  'broker.connection-lost': {
    level: 'warn', fields: { error: true },
    text: ({ error }) => `The connection to the broker was lost: ${messageOf(error)}`,
  },
  'broker.connect-failed': {
    // The first failed attempt says why; the others repeat it until something changes. The last one fails whoever waits.
    level: 'warn', isMinor: ({ attempt, retryInMs }) => attempt !== 1 || retryInMs === undefined, fields: { error: true, attempt: true, retryInMs: true },
    text: ({ error, attempt, retryInMs }) => `Attempt ${attempt} to connect failed${inTime(retryInMs)}: ${messageOf(error)}`,
  },
  'broker.awaited': {
    level: 'warn', fields: { attempt: true, seconds: true, first: true, error: true, retryInMs: true, until: true },
    text: (event) => `${event.first ? 'Waiting for the broker' : 'The broker is not back'} for ${event.seconds} s: ${attemptText(event)}${inTime(event.retryInMs)}. ${nextText(event)}`,
  },
  'broker.start-failed': {
    level: 'error', fields: { error: true, retryInMs: true },
    text: ({ error, retryInMs }) => `The broker cannot be used, and the application runs without it${retryInMs === undefined ? '; this was the last attempt' : inTime(retryInMs)}: ${messageOf(error)}`,
  },
  'broker.broken': {
    level: 'error', fields: { error: true },
    text: ({ error }) => `Reconnecting was given up; workers finish their running tasks and nothing more is taken until the process is restarted. ${messageOf(error)}`,
  },
  'broker.blocked': {
    level: 'warn', fields: { reason: true },
    text: ({ reason }) => `The broker takes no tasks for now: ${reason}. Publishing waits; running goes on.`,
  },
  'broker.unblocked': { level: 'log', fields: {}, text: () => 'The broker takes tasks again.' },
  'broker.consumer-lost': {
    level: 'warn', fields: { queue: true, error: true, retryInMs: true },
    text: ({ queue, error, retryInMs }) => `Consuming the queue "${queue}" stopped${inTime(retryInMs)}: ${messageOf(error)}`,
  },
  'broker.consumer-restored': { level: 'log', fields: { queue: true }, text: ({ queue }) => `The queue "${queue}" is consumed again.` },
  'broker.topology-failed': { level: 'error', fields: { error: true }, text: ({ error }) => `Queues could not be declared: ${messageOf(error)}` },
  'broker.callback-failed': {
    level: 'error', fields: { queue: true, error: true }, thrown: ({ error }) => error,
    text: ({ queue, error }) => `A delivery of the queue "${queue}" was given back after a defect: ${messageOf(error)}`,
  },
  'broker.warning': { level: 'warn', fields: { message: true }, text: ({ message }) => message },
  'results.connected': {
    level: 'log', fields: { attempt: true },
    text: ({ attempt }) => `Connected to the result backend${attempt > 1 ? ` at attempt ${attempt}` : ''}.`,
  },
  'results.connection-lost': {
    level: 'warn', fields: { error: true },
    text: ({ error }) => `The connection to the result backend was lost; tasks whose results are kept wait for it: ${messageOf(error)}`,
  },
  'results.connect-failed': {
    level: 'warn', isMinor: ({ attempt }) => attempt !== 1, fields: { error: true, attempt: true, retryInMs: true },
    text: ({ error, attempt, retryInMs }) => `Attempt ${attempt} to reach the result backend failed${inTime(retryInMs)}: ${messageOf(error)}`,
  },
  'results.blocked': {
    level: 'error', fields: { reason: true },
    text: ({ reason }) => `The result backend takes nothing for now: ${reason} Tasks whose results are kept wait for it.`,
  },
  'results.unblocked': { level: 'log', fields: {}, text: () => 'The result backend takes results again.' },
  'results.callback-failed': {
    level: 'error', fields: { key: true, error: true }, thrown: ({ error }) => error,
    text: ({ error }) => `A result could not be handed to whoever waits for it: ${messageOf(error)}`,
  },
  'results.warning': { level: 'warn', fields: { message: true }, text: ({ message }) => message },
};

type Awaited = Extract<DispatcherEvent, { readonly type: 'broker.awaited' }>;

function attemptText({ attempt, error }: Awaited): string {
  if (attempt === 0) return 'the first attempt has no answer yet';
  const reason = error instanceof DispatcherError ? error.fields['reason'] : undefined;
  return `attempt ${attempt} failed${error === undefined ? '' : ` (${typeof reason === 'string' ? reason : messageOf(error)})`}`;
}

function nextText({ first, until }: Awaited): string {
  if (until !== undefined) return `It is tried until ${instantText(until)}; then the application does not start (startupTimeoutSeconds).`;
  return first ? 'The application runs without it; what is published waits.' : 'Running tasks go on; what is published waits.';
}
