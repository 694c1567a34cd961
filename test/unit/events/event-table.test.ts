import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { Subject } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { DispatcherEvent, TaskFlowEvent } from '../../../lib/index.js';
import type { EventRow } from '../../../lib/events/event-row.js';
import { originOf } from '../../../lib/events/event-stamp.js';
import { EVENT_TABLE, levelOf, lineOf } from '../../../lib/events/event-table.js';
import { DispatcherLogger } from '../../../lib/dispatcher/events/dispatcher-logger.js';
import { EventLogger } from '../../../lib/dispatcher/events/event-logger.js';
import { DispatcherEvents } from '../../../lib/dispatcher/events/dispatcher-events.js';
import { anyThrown } from '../../support/hostile-values.js';
import { KeptLog } from '../../support/nest-app.js';
import { within } from '../../support/wait.js';

const ROWS = Object.entries(EVENT_TABLE) as [DispatcherEvent['type'], EventRow<DispatcherEvent>][];
const task = { uuid: 'u1', name: 'add', attempt: 1, queue: 'q', worker: 'w' };

/** An event of this type, with a value that fits each field by its name. */
function example(type: DispatcherEvent['type'], thrown: unknown = new Error('oops')): DispatcherEvent {
  const values: Record<string, unknown> = { task, running: [task, task], error: thrown, attempt: 2, retries: 2, count: 1_000, lateMs: 2_000, durationMs: 5, tick: 0, first: 0, last: 0, expiresAt: 0, until: 0, signals: ['approved'] };
  const fields = Object.keys(EVENT_TABLE[type].fields).map((field) => [field, field in values ? values[field] : `${field} of it`]);
  return { type, ...Object.fromEntries(fields) as object } as DispatcherEvent;
}

describe('the table of events', () => {
  it.each(ROWS.map(([type]) => type))('has a text for %s that is more than its name', (type) => {
    const { text } = lineOf(example(type));
    expect(text).not.toBe(type);
    expect(text).not.toMatch(/undefined|\[object/);
  });

  it('is what docs/events.md says', () => {
    const page = readFileSync('docs/events.md', 'utf8');
    const documented = [...page.matchAll(/^\| `([a-z-]+\.[a-z-]+)` \|([^|]*)\|([^|]*)\|/gm)]
      .map(([, type, level, fields]) => ({ type, level: level?.trim(), fields: fields?.trim() }));
    const rows = ROWS.map(([type, { level, isMinor, fields }]) => (
      { type, level: isMinor === undefined ? level : `${level}, then debug`, fields: Object.keys(fields).map((field) => `\`${field}\``).join(', ') }));
    const byType = (a: { type?: string }, b: { type?: string }): number => String(a.type).localeCompare(String(b.type));
    expect(documented.sort(byType)).toEqual(rows.sort(byType));
    for (const [type] of ROWS) expect(page.indexOf(`| \`${type}\``)).toBeGreaterThan(page.indexOf(`### \`${originOf(type)}\``));
  });

  it('says something of an event that it does not know', () => {
    const foreign = { type: 'broker.of-another-adapter' } as unknown as DispatcherEvent;
    expect([levelOf(foreign), lineOf(foreign)]).toEqual(['debug', { text: 'broker.of-another-adapter' }]);
    expect(lineOf({ type: '__proto__' } as unknown as DispatcherEvent)).toEqual({ text: '__proto__' });
    expect(lineOf({ type: 'task.failed' } as unknown as DispatcherEvent)).toEqual({ text: 'task.failed' });
  });

  /** Reproduces: a thrown value without a text ended the log and every subscriber of the process. */
  it('ends nobody\'s stream, whatever was thrown', async () => {
    const types = ROWS.filter(([, { fields }]) => 'error' in fields).map(([type]) => type);
    await fc.assert(fc.asyncProperty(fc.constantFrom(...types), anyThrown(), async (type, make) => {
      const thrown = make();
      const source = new Subject<DispatcherEvent>();
      const log = new KeptLog();
      const logger = new EventLogger(new DispatcherLogger(log), true);
      const events = new DispatcherEvents(source, new Subject<TaskFlowEvent>(), () => undefined);
      const [seen, matched, heard]: [string[], string[], string[]] = [[], [], []];
      events.all.subscribe((event) => logger.log(event));
      events.all.subscribe((event) => { seen.push(event.type); throw thrown; });
      events.matching({ level: 'debug' }).subscribe(({ type: each }) => { matched.push(each); });
      const over = new Promise<void>((resolve) => {
        events.listen(async (event) => {
        await Promise.resolve();
          heard.push(event.type);
          if (event.type === 'worker.stopped') resolve();
          throw thrown;
        }, {});
      });
      const sent = [example(type, thrown), example('worker.stopped')];
      for (const event of sent) source.next(event);
      await within(over, 5_000, 'the listener to hear of both');
      const both = sent.map((event) => event.type);
      expect([seen, matched, heard, log.lines.length]).toEqual([both, both, both, 2]);
    }), { numRuns: 150 });
  });

  /** Reproduces: a listener that is an async function ended the process by an unhandled rejection. */
  it('hears of the rejection of an async listener', async () => {
    const source = new Subject<DispatcherEvent>();
    const failed = new Promise((resolve) => {
      const events = new DispatcherEvents(source, new Subject<TaskFlowEvent>(), resolve);
      const listener: (event: unknown) => unknown = () => Promise.reject(new Error('of the listener'));
      events.all.subscribe(listener);
    });
    source.next(example('worker.started'));
    await expect(within(failed, 5_000, 'the failure to be told')).resolves.toMatchObject({ message: 'of the listener' });
  });

  it('survives loggers that reject, and messages of tasks that are no text', async () => {
    const rejecting = { log: () => Promise.reject(new Error('no disk')), warn: () => undefined, error: () => undefined };
    const log = new DispatcherLogger(rejecting);
    log.log('x');
    const of = log.forTask('add', 'u1') as { warn(message: unknown): void };
    for (const message of [Symbol('s'), Object.create(null), undefined]) expect(() => of.warn(message)).not.toThrow();
    // An unhandled rejection would fail the run.
    await new Promise((resolve) => { setImmediate(resolve); });
  });
});
