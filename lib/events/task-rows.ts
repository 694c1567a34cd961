import { instantText, messageOf } from '../task/error-text.js';
import type { TaskIdentity } from './dispatcher-event.js';
import { inTime, type EventRows, type TypesOf } from './event-row.js';

/**
 * Of single tasks. Where one cause makes two events, the second one is the line and the first one is `debug`: a failed
 * attempt is followed by its retry or its dead letter.
 */
export const TASK_ROWS: EventRows<TypesOf<'task' | 'middleware'>> = {
  'task.published': {
    level: 'debug', fields: { task: true, routingKey: true, durationMs: true },
    text: ({ task, routingKey }) => `${shortNameOf(task)} was published with the routing key "${routingKey}".`,
  },
  'task.absorbed': {
    level: 'debug', fields: { task: true, by: true, replaced: true },
    text: ({ task, by, replaced }) => `${shortNameOf(task)} was not published: ${replaced ? `its arguments, or newer ones, are those of task ${by}` : `task ${by} stands for it`}.`,
  },
  'task.publish-failed': {
    level: 'debug', fields: { task: true, routingKey: true, durationMs: true, error: true },
    text: ({ task, routingKey, error }) => `${shortNameOf(task)} was not published with the routing key "${routingKey}": ${messageOf(error)}`,
  },
  'task.started': { level: 'debug', fields: { task: true, waitedMs: true }, text: ({ task }) => `${nameOf(task)} was started.` },
  'task.succeeded': {
    level: 'debug', fields: { task: true, durationMs: true },
    text: ({ task, durationMs }) => `${nameOf(task)} has succeeded after ${Math.round(durationMs)} ms.`,
  },
  'task.failed': { level: 'debug', fields: { task: true, error: true, durationMs: true }, text: ({ task, error }) => `${nameOf(task)} failed: ${messageOf(error)}` },
  'task.timed-out': { level: 'debug', fields: { task: true, error: true, durationMs: true }, text: ({ error }) => messageOf(error) },
  'task.retrying': {
    level: 'warn', fields: { task: true, error: true, delayMs: true },
    text: ({ task, error, delayMs }) => `${nameOf(task)} failed and is tried again${inTime(delayMs)}: ${messageOf(error)}`,
  },
  'task.ended-late': {
    level: 'debug', fields: { task: true, afterSeconds: true },
    text: ({ task, afterSeconds }) => `${nameOf(task)} ended ${afterSeconds} s after its start, past its time; its outcome is ignored.`,
  },
  'task.dead-lettered': {
    level: 'error', fields: { task: true, reason: true, error: true }, thrown: ({ error }) => error,
    text: ({ task, reason, error }) => `${nameOf(task)} became a dead letter (${reason}): ${messageOf(error)}`,
  },
  'task.expired': {
    level: 'warn', fields: { task: true, expiresAt: true },
    text: ({ task, expiresAt }) => `${nameOf(task)} was not run: it expired at ${instantText(expiresAt)} (expiresInSeconds).`,
  },
  'task.cancelled': { level: 'log', fields: { task: true, reason: true }, text: ({ task, reason }) => `${nameOf(task)} was cancelled: ${reason}` },
  'task.dropped': {
    level: 'debug', fields: { task: true, reason: true },
    text: ({ task, reason }) => `One delivery too many of ${lowered(nameOf(task))} was dropped: ${reason}`,
  },
  'task.unheard': {
    level: 'debug', fields: { task: true, replyTo: true },
    text: ({ task, replyTo }) => `Nobody asks any more for the result of ${lowered(shortNameOf(task))}${replyTo === undefined ? '' : `: the queue "${replyTo}" is gone`}.`,
  },
  'task.returned': {
    level: 'debug', fields: { task: true, pauseMs: true, reason: true },
    text: ({ task, pauseMs, reason }) => `${nameOf(task)} was given back for ${pauseMs} ms: ${reason ?? 'no handler of this name is here.'}`,
  },
  'task.suspended': {
    level: 'debug', fields: { task: true, until: true, signals: true },
    text: ({ task, until, signals }) => (signals.length === 0
      ? `${nameOf(task)} sleeps until ${instantText(until)}.`
      : `${nameOf(task)} waits for ${signals.map((name) => `"${name}"`).join(', ')} until ${instantText(until)}.`),
  },
  'task.taken-over': {
    level: 'debug', fields: { task: true, afterSeconds: true },
    text: ({ task, afterSeconds }) => `${nameOf(task)} has run for ${afterSeconds} s; a copy of it stands by, should this process die.`,
  },
  'task.abandoned': {
    level: 'warn', fields: { task: true },
    text: ({ task }) => `${nameOf(task)} did not end before the shutdown; another worker runs it again.`,
  },
  'task.blocked-loop': {
    level: 'warn', fields: { task: true, seconds: true },
    text: ({ task, seconds }) => `${nameOf(task)} kept the event loop busy for ${seconds} s. Heartbeats and other tasks wait meanwhile; divide the work, or move it to a thread.`,
  },
  'task.doubtful': { level: 'warn', fields: { name: true, message: true }, text: ({ message }) => message },
  'middleware.failed': {
    level: 'error', fields: { middleware: true, task: true, error: true }, thrown: ({ error }) => error,
    text: ({ middleware, task, error }) => `The middleware ${middleware} failed after ${lowered(shortNameOf(task))} had been published: ${messageOf(error)}`,
  },
};

function shortNameOf({ name, uuid }: { readonly name: string; readonly uuid: string }): string {
  return `Task "${name}" (${uuid})`;
}

function nameOf({ name, uuid, attempt, worker }: TaskIdentity): string {
  const title = name === '' ? 'A delivery' : `Task "${name}"`;
  return `${title}${uuid === '' ? '' : ` (${uuid})`}${attempt > 1 ? `, attempt ${attempt},` : ''} of worker "${worker}"`;
}

function lowered(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
