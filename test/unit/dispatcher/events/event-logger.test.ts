import { describe, expect, it } from 'vitest';
import { BrokerError, BrokerUnavailableError, TaskTimeoutError, type DispatcherEvent } from '../../../../lib/index.js';
import { DispatcherLogger } from '../../../../lib/dispatcher/events/dispatcher-logger.js';
import { EventLogger } from '../../../../lib/dispatcher/events/event-logger.js';
import { KeptLog } from '../../../support/nest-app.js';

const task = { uuid: 'u1', name: 'add', attempt: 1, queue: 'q', worker: 'w' };
const away = new BrokerUnavailableError('nobody answers');
const EVENTS: DispatcherEvent[] = [
  { type: 'broker.connected', attempt: 3 },
  { type: 'broker.connection-lost', error: away },
  { type: 'broker.connect-failed', error: away, attempt: 1, retryInMs: 250 },
  { type: 'broker.connect-failed', error: away, attempt: 2, retryInMs: 500 },
  { type: 'broker.broken', error: away },
  { type: 'broker.blocked', reason: 'low on disk' },
  { type: 'broker.unblocked' },
  { type: 'broker.consumer-lost', queue: 'q', error: new BrokerError('CODE', 'the queue was deleted') },
  { type: 'broker.consumer-restored', queue: 'q' },
  { type: 'broker.topology-failed', error: away },
  { type: 'broker.callback-failed', queue: 'q', error: new TypeError('defect') },
  { type: 'broker.warning', message: 'odd' },
  { type: 'worker.started', worker: 'w', queue: 'q' },
  { type: 'worker.stopped', worker: 'w', queue: 'q' },
  { type: 'worker.problem', worker: 'w', message: 'stuck', error: away },
  { type: 'task.failed', task, error: new Error('oops'), durationMs: 5 },
  { type: 'task.retrying', task: { ...task, attempt: 2 }, error: new Error('oops'), delayMs: 1500 },
  { type: 'task.timed-out', task, error: new TaskTimeoutError('too slow'), durationMs: 5 },
  { type: 'task.ended-late', task, afterSeconds: 3 },
  { type: 'task.dead-lettered', task, reason: 'failed', error: new Error('oops') },
  { type: 'task.dead-lettered', task: { ...task, uuid: '', name: '' }, reason: 'timed-out', error: new TaskTimeoutError('too slow') },
  { type: 'task.returned', task, pauseMs: 100 },
  { type: 'task.abandoned', task },
  { type: 'limits.lease-lost', held: 2, error: new Error('away') },
  { type: 'task.blocked-loop', task, seconds: 2 },
];

function logged(events: readonly DispatcherEvent[], debug: boolean): KeptLog {
  const log = new KeptLog();
  const eventLogger = new EventLogger(new DispatcherLogger(log), debug);
  for (const event of events) eventLogger.log(event);
  return log;
}

describe('the event log', () => {
  it('has one line for each event with debugMode, and leaves the fine ones out without it', () => {
    expect(logged(EVENTS, true).lines).toHaveLength(EVENTS.length);
    const quiet = logged(EVENTS, false);
    expect(quiet.of('debug')).toEqual([]);
    expect(quiet.lines).toHaveLength(EVENTS.length - 5);
  });

  it('says what is meant for a person, at its level', () => {
    const log = logged(EVENTS, false);
    expect(log.of('log')[0]).toBe('Connected to the broker at attempt 3.');
    expect(log.of('warn')).toContain('Attempt 1 to connect failed; next in 0.3 s: nobody answers');
    expect(log.of('warn')).toContain('Task "add" (u1), attempt 2, of worker "w" failed and is tried again; next in 1.5 s: oops');
    expect(log.of('error')).toContain('Task "add" (u1) of worker "w" became a dead letter (failed): oops');
    expect(log.of('error')).toContain('A delivery of worker "w" became a dead letter (timed-out): too slow');
  });

  it('leaves out consumers that go and come with the connection', () => {
    const log = logged([
      { type: 'broker.consumer-lost', queue: 'q', error: away }, { type: 'broker.connection-lost', error: away },
      { type: 'broker.connected', attempt: 2 }, { type: 'broker.consumer-restored', queue: 'q' },
    ], false);
    expect(log.lines.map(({ message }) => message)).toEqual(['The connection to the broker was lost: nobody answers', 'Connected to the broker at attempt 2.']);
  });

  it('gives the stack of what a handler threw, and of nothing else', () => {
    const withStack = logged(EVENTS, false).lines.filter(({ stack }) => stack !== undefined).map(({ message }) => message);
    expect(withStack).toEqual([expect.stringContaining('defect'), expect.stringContaining('(failed): oops')]);
  });

  it('keeps to one line whatever a task is called', () => {
    const forged = { ...task, name: 'x\nERROR all is lost\u001b[2J' };
    const [line] = logged([{ type: 'task.abandoned', task: forged }], false).of('warn');
    expect(line).toMatch(/^Task "x ERROR all is lost \[2J" \(u1\)/);
  });

  it('survives a logger that throws, and one without debug', () => {
    const log = new DispatcherLogger({ log: () => { throw new Error(); }, warn: () => undefined, error: () => undefined });
    expect(() => { log.log('x'); log.debug('x'); log.forTask('add', 'u').error('x', 'stack'); }).not.toThrow();
  });

  it('names the task in the lines of its own logger', () => {
    const log = new KeptLog();
    new DispatcherLogger(log).forTask('add', 'u1').warn('careful');
    expect(log.of('warn')).toEqual(['[add u1] careful']);
  });
});
