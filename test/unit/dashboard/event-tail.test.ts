import { throwError } from 'rxjs';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { EventsTopic } from '../../../lib/dashboard/answers.js';
import { EventTail } from '../../../lib/dashboard/live/event-tail.js';
import { Curtain } from '../../../lib/dashboard/panel/curtain.js';
import { BrokerRefusedError } from '../../../lib/errors.js';
import type { FollowedEvent } from '../../../lib/inspection/following/followed-event.js';
import { ScriptedInspection } from '../../support/scripted-inspection.js';

beforeEach(() => { vi.useFakeTimers(); });
afterEach(() => { vi.useRealTimers(); });

const event = (change: Partial<FollowedEvent> = {}): FollowedEvent => ({
  type: 'task.retrying', level: 'warn', origin: 'task', at: 5, text: 'a card of ada', process: 'p', host: 'h', pid: 7, task: { uuid: 'u', name: 'pay', queue: 'q', attempt: 1, worker: 'w' }, ...change,
});

it('follows all processes once for however many pages, and not while there is none', () => {
  const inspection = new ScriptedInspection();
  const tail = new EventTail(inspection, 'log', new Curtain({ text: (text) => text.replace('ada', '(a person)') }));
  const told: EventsTopic[] = [];
  const leave = [1, 2].map(() => tail.subscribe((text) => told.push(JSON.parse(text) as EventsTopic)));
  inspection.eventStream.next(event({ dropped: 40 }));
  for (let index = 0; index < 120; index++) inspection.eventStream.next(event({ process: 'other', task: undefined }));
  vi.advanceTimersByTime(500);
  expect(told).toHaveLength(2);
  expect(told[0]?.events).toHaveLength(100);
  expect(told[0]?.dropped).toBe(61);
  expect(told[0]?.events.slice(0, 2)).toEqual([
    { at: 5, level: 'warn', origin: 'task', type: 'task.retrying', text: 'a card of (a person)', process: 'p', host: 'h', pid: 7, uuid: 'u', name: 'pay', queue: 'q' },
    { at: 5, level: 'warn', origin: 'task', type: 'task.retrying', text: 'a card of (a person)', process: 'other', host: 'h', pid: 7 },
  ]);
  leave[0]?.();
  expect(inspection.eventStream.observed).toBe(true);
  leave[1]?.();
  expect(inspection.eventStream.observed).toBe(false);
});

it('says why nothing is heard, also to a page that comes later, and tries again for the first one that comes after all have left', () => {
  let allowed = false;
  const inspection = new ScriptedInspection();
  const refused = throwError(() => new BrokerRefusedError('no right to it'));
  const tail = new EventTail({ events: () => (allowed ? inspection.eventStream : refused) }, 'log', new Curtain());
  const told: string[] = [];
  const leave = [tail.subscribe((text) => told.push(text))];
  vi.advanceTimersByTime(500);
  leave.push(tail.subscribe((text) => told.push(`later ${text}`)));
  vi.advanceTimersByTime(500);
  expect(told.map((text) => /^later|no right to it/.exec(text)?.[0])).toEqual(['no right to it', 'no right to it', 'later']);
  for (const one of leave) one();
  allowed = true;
  tail.subscribe((text) => told.push(text));
  inspection.eventStream.next(event());
  vi.advanceTimersByTime(500);
  expect(told.at(-1)).not.toContain('problem');
});
