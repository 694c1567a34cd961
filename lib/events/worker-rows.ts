import { instantText, messageOf } from '../task/error-text.js';
import type { TaskIdentity } from './dispatcher-event.js';
import type { EventRows, TypesOf } from './event-row.js';

/** Of workers, their limits and their circuits. */
export const WORKER_ROWS: EventRows<TypesOf<'worker' | 'limits' | 'circuit'>> = {
  'worker.started': { level: 'log', fields: { worker: true, queue: true }, text: ({ worker, queue }) => `Worker "${worker}" consumes the queue "${queue}".` },
  'worker.stopped': { level: 'log', fields: { worker: true, queue: true }, text: ({ worker }) => `Worker "${worker}" has stopped.` },
  'worker.waiting': {
    level: 'log', fields: { worker: true, running: true, until: true },
    text: ({ worker, running, until }) => `Worker "${worker}" is closing, and waits for ${listed(running)}, until ${instantText(until)} at the latest.`,
  },
  'worker.aborting': {
    level: 'warn', fields: { worker: true, running: true, cause: true },
    text: ({ worker, running, cause }) => `Worker "${worker}" waits no longer, because ${cause}: ${listed(running)} ${running.length === 1 ? 'is' : 'are'} aborted and given back.`,
  },
  'worker.warning': { level: 'warn', fields: { message: true }, text: ({ message }) => message },
  'worker.problem': {
    level: 'error', fields: { worker: true, message: true, error: true },
    text: ({ worker, message, error }) => `Worker "${worker}": ${message}${error === undefined ? '' : `: ${messageOf(error)}`}`,
  },
  'limits.lease-lost': {
    level: 'error', fields: { held: true, error: true },
    text: ({ held, error }) => 'This process did not renew its lease in time: '
      + `${held} running tasks with limits over all processes may overlap with others.${error === undefined ? '' : ` ${messageOf(error)}`}`,
  },
  'circuit.opened': {
    level: 'warn', fields: { scope: true, name: true, worker: true, tasks: true, failures: true, seconds: true },
    text: ({ scope, name, worker, tasks, failures, seconds }) => (
      `${failures} of ${tasks} attempts failed: the circuit of ${scope} "${name}" at worker "${worker}" is open for ${seconds} s.`),
  },
  'circuit.half-open': {
    level: 'debug', fields: { scope: true, name: true, worker: true },
    text: ({ scope, name, worker }) => `The circuit of ${scope} "${name}" at worker "${worker}" lets one task try.`,
  },
  'circuit.closed': {
    level: 'log', fields: { scope: true, name: true, worker: true },
    text: ({ scope, name, worker }) => `The circuit of ${scope} "${name}" at worker "${worker}" is closed; tasks run again.`,
  },
};

/** More than these are counted. */
const MOST_LISTED = 5;

/** `3 running tasks: resize 4f8a..., resize 77ab..., mail 01cc...`. */
function listed(tasks: readonly TaskIdentity[]): string {
  const names = tasks.slice(0, MOST_LISTED).map(({ name, uuid }) => `${name} ${uuid}`);
  const more = tasks.length - names.length;
  return `${tasks.length} running task${tasks.length === 1 ? '' : 's'} (${names.join(', ')}${more > 0 ? ` and ${more} more` : ''})`;
}
