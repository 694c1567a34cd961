import { BrokerUnavailableError, DispatcherError } from '../errors.js';
import { MOST_MISSED } from '../schedules/due-ticks.js';
import type { DispatcherEvent, TaskIdentity } from '../events/dispatcher-event.js';
import type { EventLevel } from '../events/event-stamp.js';
import type { DispatcherLogger } from './dispatcher-logger.js';
import { messageOf } from './text.js';

type Line = readonly [level: EventLevel, message: string, stack?: string];

/** One line for each event; the fine ones only with `debug`. */
export class EventLogger {
  /** Queues whose loss was worth a line: their return is too. */
  private readonly lost = new Set<string>();

  constructor(private readonly logger: DispatcherLogger, private readonly debug: boolean) {}

  log(event: DispatcherEvent): void {
    const [level, message, stack] = this.isEcho(event) ? ['debug', lineFor(event)[1]] as const : lineFor(event);
    if (level !== 'debug') this.logger[level](message, stack);
    else if (this.debug) this.logger.debug(message);
  }

  /** With its connection every consumer goes and comes back: the connection's own lines say it. */
  private isEcho(event: DispatcherEvent): boolean {
    if (event.type === 'broker.consumer-lost') {
      if (event.error instanceof BrokerUnavailableError) return true;
      this.lost.add(event.queue);
    }
    return event.type === 'broker.consumer-restored' && !this.lost.delete(event.queue);
  }
}

/**
 * How an event reads. Where one cause makes two events, the second one is the line and the first one is
 * `debug`: a failed attempt is followed by its retry or its dead letter, a lost connection by its attempts.
 */
function lineFor(event: DispatcherEvent): Line {
  if (event.type.startsWith('results.')) return resultsLine(event);
  if (event.type.startsWith('schedule.')) return scheduleLine(event);
  if (event.type.startsWith('workflow.')) return workflowLine(event);
  return event.type.startsWith('broker.') ? brokerLine(event) : workerLine(event);
}

/** As it is logged. */
export function levelOf(event: DispatcherEvent): EventLevel {
  return lineFor(event)[0];
}

function brokerLine(event: DispatcherEvent): Line {
  switch (event.type) {
    case 'broker.connected': return ['log', `Connected to the broker${event.attempt > 1 ? ` at attempt ${event.attempt}` : ''}.`];
    case 'broker.connection-lost': return ['warn', `The connection to the broker was lost: ${messageOf(event.error)}`];
    // The first failed attempt says why; the others repeat it until something changes.
    case 'broker.connect-failed': return [event.attempt === 1 ? 'warn' : 'debug',
      `Attempt ${event.attempt} to connect failed${inTime(event.retryInMs)}: ${messageOf(event.error)}`];
    case 'broker.broken': return ['error',
      `Reconnecting was given up; workers finish their running tasks and nothing more is taken until the process is restarted. ${messageOf(event.error)}`];
    case 'broker.blocked': return ['warn', `The broker takes no tasks for now: ${event.reason}. Publishing waits; running goes on.`];
    case 'broker.unblocked': return ['log', 'The broker takes tasks again.'];
    case 'broker.consumer-lost': return ['warn', `Consuming the queue "${event.queue}" stopped${inTime(event.retryInMs)}: ${messageOf(event.error)}`];
    case 'broker.consumer-restored': return ['log', `The queue "${event.queue}" is consumed again.`];
    case 'broker.topology-failed': return ['error', `Queues could not be declared: ${messageOf(event.error)}`];
    case 'broker.callback-failed': return ['error', `A delivery of the queue "${event.queue}" was given back after a defect: ${messageOf(event.error)}`, stackOf(event.error)];
    case 'broker.warning': return ['warn', event.message];
    default: return ['debug', event.type];
  }
}

function resultsLine(event: DispatcherEvent): Line {
  switch (event.type) {
    case 'results.connected': return ['log', `Connected to the result backend${event.attempt > 1 ? ` at attempt ${event.attempt}` : ''}.`];
    case 'results.connection-lost': return ['warn', `The connection to the result backend was lost; tasks whose results are kept wait for it: ${messageOf(event.error)}`];
    case 'results.blocked': return ['error', `The result backend takes nothing for now: ${event.reason} Tasks whose results are kept wait for it.`];
    case 'results.unblocked': return ['log', 'The result backend takes results again.'];
    case 'results.connect-failed': return [event.attempt === 1 ? 'warn' : 'debug',
      `Attempt ${event.attempt} to reach the result backend failed${inTime(event.retryInMs)}: ${messageOf(event.error)}`];
    case 'results.callback-failed': return ['error', `A result could not be handed to whoever waits for it: ${messageOf(event.error)}`, stackOf(event.error)];
    case 'results.warning': return ['warn', event.message];
    default: return ['debug', event.type];
  }
}

function scheduleLine(event: DispatcherEvent): Line {
  switch (event.type) {
    case 'schedule.fired': return ['debug', `Schedule "${event.schedule}" published task "${event.taskName}" (${event.uuid}) for ${timeOf(event.tick)}${event.lateMs >= 1000 ? `, ${Math.round(event.lateMs / 1000)} s late` : ''}.`];
    case 'schedule.missed': return ['warn', `Schedule "${event.schedule}" missed ${event.count}${event.count >= MOST_MISSED ? ' or more' : ''} ticks, from ${timeOf(event.first)} to ${timeOf(event.last)}; they are not fired any more.`];
    case 'schedule.failed': return ['error', `Schedule "${event.schedule}" could not publish task "${event.taskName}" for ${timeOf(event.tick)}: ${messageOf(event.error)}`, stackOf(event.error)];
    case 'schedule.problem': return ['warn', `${event.schedule === undefined ? 'Schedules' : `Schedule "${event.schedule}"`}: ${event.message}${event.error === undefined ? '' : `: ${messageOf(event.error)}`}`];
    default: return ['debug', event.type];
  }
}

function workflowLine(event: DispatcherEvent): Line {
  switch (event.type) {
    case 'workflow.published': return ['debug', `Workflow ${event.workflow} was published.`];
    case 'workflow.succeeded': return ['debug', `Workflow ${event.workflow} has succeeded after ${event.durationMs} ms.`];
    case 'workflow.failed': return ['warn', `Workflow ${event.workflow} has failed: ${event.reason}`];
    case 'workflow.cancelled': return ['log', `Workflow ${event.workflow} was cancelled: ${event.reason}`];
    case 'workflow.resumed': return ['log', `Workflow ${event.workflow} goes on after its failure${event.retries > 1 ? `, for the ${event.retries}. time` : ''}.`];
    case 'workflow.problem': return ['warn', `${event.message} ${messageOf(event.error)}`];
    default: return ['debug', event.type];
  }
}

function timeOf(instant: number): string {
  return new Date(instant).toISOString();
}

function workerLine(event: DispatcherEvent): Line {
  switch (event.type) {
    case 'worker.started': return ['log', `Worker "${event.worker}" consumes the queue "${event.queue}".`];
    case 'worker.stopped': return ['log', `Worker "${event.worker}" has stopped.`];
    case 'worker.problem': return ['error', `Worker "${event.worker}": ${event.message}${event.error === undefined ? '' : `: ${messageOf(event.error)}`}`];
    case 'task.failed': return ['debug', `${nameOf(event.task)} failed: ${messageOf(event.error)}`];
    case 'task.timed-out': return ['debug', messageOf(event.error)];
    case 'task.retrying': return ['warn', `${nameOf(event.task)} failed and is tried again${inTime(event.delayMs)}: ${messageOf(event.error)}`];
    case 'task.ended-late': return ['debug', `${nameOf(event.task)} ended ${event.afterSeconds} s after its start, past its time; its outcome is ignored.`];
    case 'task.dead-lettered': return ['error', `${nameOf(event.task)} became a dead letter (${event.reason}): ${messageOf(event.error)}`, stackOf(event.error)];
    case 'task.expired': return ['warn', `${nameOf(event.task)} was not run: it expired at ${new Date(event.expiresAt).toISOString()} (expiresInSeconds).`];
    case 'task.unheard': return ['debug', `Nobody asks any more for the result of task "${event.task.name}" (${event.task.uuid}).`];
    case 'task.returned': return ['debug', `${nameOf(event.task)} was given back for ${event.pauseMs} ms: ${event.reason ?? 'no handler of this name is here.'}`];
    case 'limits.lease-lost': return ['error', `This process did not renew its lease in time: ${event.held} running tasks with limits over all processes may overlap with others.${event.error === undefined ? '' : ` ${messageOf(event.error)}`}`];
    case 'task.abandoned': return ['warn', `${nameOf(event.task)} did not end before the shutdown; another worker runs it again.`];
    case 'task.blocked-loop': return ['warn',
      `${nameOf(event.task)} kept the event loop busy for ${event.seconds} s. Heartbeats and other tasks wait meanwhile; divide the work, or move it to a thread.`];
    case 'circuit.opened': return ['warn',
      `${event.failures} of ${event.tasks} attempts failed: the circuit of ${event.scope} "${event.name}" at worker "${event.worker}" is open for ${event.seconds} s.`];
    case 'circuit.half-open': return ['debug', `The circuit of ${event.scope} "${event.name}" at worker "${event.worker}" lets one task try.`];
    case 'circuit.closed': return ['log', `The circuit of ${event.scope} "${event.name}" at worker "${event.worker}" is closed; tasks run again.`];
    case 'middleware.failed': return ['error',
      `The middleware ${event.middleware} failed after task "${event.task.name}" (${event.task.uuid}) had been published: ${messageOf(event.error)}`, stackOf(event.error)];
    default: return ['debug', event.type];
  }
}

function nameOf({ name, uuid, attempt, worker }: TaskIdentity): string {
  const title = name === '' ? 'A delivery' : `Task "${name}"`;
  return `${title}${uuid === '' ? '' : ` (${uuid})`}${attempt > 1 ? `, attempt ${attempt},` : ''} of worker "${worker}"`;
}

function inTime(milliseconds: number | undefined): string {
  return milliseconds === undefined ? '' : `; next in ${Math.round(milliseconds / 100) / 10} s`;
}

/** Our own errors say in their text all there is; a handler's need the place. */
function stackOf(error: unknown): string | undefined {
  return error instanceof Error && !(error instanceof DispatcherError) ? error.stack : undefined;
}
