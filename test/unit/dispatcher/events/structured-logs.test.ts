import { ConsoleLogger, Injectable } from '@nestjs/common';
import { describe, expect, it, vi } from 'vitest';
import { Task, TaskContext, type DispatcherEvent, type ServerConfig } from '../../../../lib/index.js';
import { DispatcherLogger } from '../../../../lib/dispatcher/events/dispatcher-logger.js';
import { eventFields } from '../../../../lib/dispatcher/events/event-fields.js';
import { EventLogger } from '../../../../lib/dispatcher/events/event-logger.js';
import { resolveConfig } from '../../../../lib/dispatcher/config/resolve-config.js';
import { EVENT_TABLE } from '../../../../lib/events/event-table.js';
import { DispatcherOpenTelemetryModule } from '../../../../lib/opentelemetry/index.js';
import { KeptLog, startApp } from '../../../support/nest-app.js';
import { KeptSpans } from '../../../support/traces.js';

const task = { uuid: 'u1', name: 'add', attempt: 2, queue: 'q', worker: 'w' };
const TYPES = Object.keys(EVENT_TABLE) as DispatcherEvent['type'][];

function example(type: DispatcherEvent['type']): DispatcherEvent {
  const values: Record<string, unknown> = { task, running: Array.from({ length: 30 }, () => task), error: new RangeError('oops'), what: { queue: 'q' } };
  return { type, ...Object.fromEntries(Object.keys(EVENT_TABLE[type].fields).map((field) => [field, values[field] ?? 7])) } as DispatcherEvent;
}

@Injectable()
class Tasks {
  @Task('says') says(@TaskContext() { logger }: TaskContext): void { logger.warn('careful\nnow'); throw new RangeError('oops'); }
}

describe('a log with fields', () => {
  it.each(TYPES)('has of %s all that the table names, each in its place', (type) => {
    const fields = eventFields(example(type));
    const names = Object.keys(EVENT_TABLE[type].fields);
    expect(fields.event).toBe(type);
    expect(Object.keys(fields).filter((name) => !['event', 'origin', 'task', 'error', 'details'].includes(name))).toEqual([]);
    expect([...'task' in fields ? ['task'] : [], ...'error' in fields ? ['error'] : [], ...Object.keys(fields.details ?? {})].sort()).toEqual([...names].sort());
    if (names.includes('error')) expect(fields.error).toEqual({ name: 'RangeError', message: 'oops' });
    if (names.includes('running')) expect(fields.details?.running).toHaveLength(20);
    expect(() => JSON.stringify(fields)).not.toThrow();
  });

  it('is an object a line, whose text is under the key of the logger', () => {
    const log = new KeptLog();
    new EventLogger(new DispatcherLogger(log, { messageKey: 'message' }), false).log({ type: 'task.dead-lettered', task, reason: 'failed', error: new RangeError('oops') });
    expect(log.lines).toEqual([{ level: 'error', message: {
      message: 'Task "add" (u1), attempt 2, of worker "w" became a dead letter (failed): oops', event: 'task.dead-lettered', origin: 'task', task,
      error: { name: 'RangeError', message: 'oops', stack: expect.stringContaining('structured-logs.test') as string }, details: { reason: 'failed' },
    } }]);
  });

  it('has a task with each line that its handler writes, and the ids of its trace where it is traced', async () => {
    const spans = new KeptSpans();
    try {
      const log = new KeptLog();
      await (await startApp({ providers: [Tasks], imports: [DispatcherOpenTelemetryModule.forRoot({ metrics: false })] }, { structuredLogs: true, logger: log })).service.publish('says');
      const [process] = await spans.until('process', 1);
      const lines = log.lines.map(({ level, message }): Record<string, unknown> => ({ level, ...message as unknown as Record<string, unknown> }));
      expect(lines.find(({ level }) => level === 'warn')).toEqual({
        level: 'warn', msg: 'careful now', task: { uuid: expect.any(String) as string, name: 'says', attempt: 1, queue: 'queue_1', worker: 'worker_1' },
        trace_id: process?.spanContext().traceId, span_id: process?.spanContext().spanId, trace_flags: '01',
      });
      expect(lines.find(({ event }) => event === 'worker.started')).toMatchObject({ level: 'log', origin: 'worker', details: { worker: 'worker_1', queue: 'queue_1' } });
    } finally {
      await spans.unregister();
    }
  });

  it("is JSON by Nest's own logger", () => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const lines: string[] = [];
    write.mockImplementation((line) => { lines.push(String(line)); return true; });
    try {
      new EventLogger(new DispatcherLogger(new ConsoleLogger({ json: true }), { messageKey: 'msg' }), false).log({ type: 'task.retrying', task, error: new RangeError('oops'), delayMs: 50 });
    } finally {
      write.mockRestore();
    }
    expect(JSON.parse(lines.join(''))).toMatchObject({ level: 'warn', message: { event: 'task.retrying', task, details: { delayMs: 50 }, error: { name: 'RangeError' } } });
  });

  it('costs nothing where lines are texts, and ends nothing where an event cannot be read', () => {
    const log = new KeptLog();
    const fields = vi.fn(() => ({}));
    new DispatcherLogger(log).write('warn', 'text', undefined, fields);
    expect([fields.mock.calls.length, log.lines]).toEqual([0, [{ level: 'warn', message: 'text', stack: undefined }]]);
    expect(eventFields({ type: 'task.failed', get error() { throw new Error('no'); } } as unknown as DispatcherEvent)).toEqual({ event: 'task.failed', origin: 'task' });
    expect(eventFields({ type: 'broker.of-another-adapter' } as unknown as DispatcherEvent)).toEqual({ event: 'broker.of-another-adapter', origin: 'connection' });
    new DispatcherLogger({ log: () => undefined, warn: () => { throw new Error('no'); }, error: () => undefined }, { messageKey: 'msg' }).warn('text');
  });

  it.each<[ServerConfig['structuredLogs'], unknown]>([
    [undefined, undefined], [false, undefined], [true, { messageKey: 'msg' }], [{}, { messageKey: 'msg' }], [{ messageKey: 'message' }, { messageKey: 'message' }],
  ])('is configured by %j', (structuredLogs, expected) => {
    expect(resolveConfig({ exchange: 'e', defaultRoutingKey: 'k', structuredLogs }, {}).structuredLogs).toEqual(expected);
  });

  it.each<[unknown, RegExp]>([['yes', /structuredLogs/], [{ key: 'x' }, /messageKey/], [{ messageKey: '' }, /messageKey of structuredLogs/], [{ messageKey: 'event' }, /other than event/], [1, /structuredLogs/]])('refuses %j', (structuredLogs, text) => {
    expect(() => resolveConfig({ exchange: 'e', defaultRoutingKey: 'k', structuredLogs: structuredLogs as true }, {})).toThrow(text);
  });
});
