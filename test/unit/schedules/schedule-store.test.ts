import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createResultBackend } from '../../../lib/state/create-result-backend.js';
import type { StateBackend } from '../../../lib/state/state-backend.js';
import { type Book, withEntry } from '../../../lib/schedules/book.js';
import { ScheduleStore } from '../../../lib/schedules/schedule-store.js';
import type { StoredSchedule } from '../../../lib/schedules/stored-schedule.js';
import { itemAt } from '../../support/present.js';

const STORED: StoredSchedule = { cron: '@daily', missed: 'skip', task: '{}', options: {} };
const FOR_EVER = { expiresInMs: Infinity };

let backend: StateBackend;
let store: ScheduleStore;
beforeEach(async () => {
  backend = createResultBackend('embedded:');
  await backend.connect();
  store = new ScheduleStore(() => Promise.resolve(backend), 'exchange');
});
afterEach(() => backend.close(1000));

const adding = (name: string, stored = STORED) => (book: Book): Book => ({ ...book, schedules: withEntry(book.schedules, name, stored) });

describe('the book of schedules', () => {
  it('is empty at first, and knows no names that nobody gave', async () => {
    const book = await store.readBook();
    expect({ ...book.schedules }).toEqual({});
    expect('constructor' in book.schedules || '__proto__' in book.pauses).toBe(false);
  });

  it('keeps every one of many changes at the same time', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `schedule ${index}`);
    await Promise.all(names.map((name) => store.changeBook(adding(name))));
    expect(Object.keys((await store.readBook()).schedules).sort()).toEqual([...names].sort());
  });

  it('takes any name', async () => {
    for (const name of ['constructor', '__proto__', 'toString', '日次']) await store.changeBook(adding(name));
    const { schedules } = await store.readBook();
    expect(Object.keys(schedules)).toEqual(['constructor', '__proto__', 'toString', '日次']);
    await store.changeBook((book) => ({ ...book, schedules: withEntry(book.schedules, '__proto__', undefined) }));
    expect('__proto__' in (await store.readBook()).schedules).toBe(false);
  });

  it('has a bound', async () => {
    const huge = { ...STORED, task: 'x'.repeat(1024 * 1024) };
    await expect(store.changeBook(adding('huge', huge))).rejects.toMatchObject({ code: 'ERR_DISPATCHER_TOO_MANY_SCHEDULES' });
  });

  it('says so when something else is in its place', async () => {
    for (const text of ['[]', 'no book', '{"schedules":1}']) {
      await backend.set('schedules:book:exchange', Buffer.from(text), FOR_EVER);
      await expect(store.readBook()).rejects.toMatchObject({ code: 'ERR_DISPATCHER_SCHEDULES_UNREADABLE' });
    }
  });
});

describe('a cursor', () => {
  const cursor = (tick: number) => ({ tick, state: 'done' as const, owner: 'it', text: '@daily UTC' });

  it('is created by one, and the others get it', async () => {
    const created = await Promise.all([1, 2, 3].map((tick) => store.createCursor('it', cursor(tick))));
    expect(new Set(created.map(({ bytes }) => bytes.toString())).size).toBe(1);
    expect((await store.readCursor('it'))?.cursor).toEqual(itemAt(created, 0).cursor);
  });

  it('is replaced only by who knows what is there', async () => {
    const first = await store.createCursor('it', cursor(1));
    const outcomes = await Promise.all([2, 3].map((tick) => store.replaceCursor('it', first, cursor(tick))));
    expect(outcomes.filter((outcome) => outcome !== undefined)).toHaveLength(1);
    expect(await store.replaceCursor('it', undefined, cursor(4))).toBeUndefined();
  });

  it('that cannot be read is replaced all the same', async () => {
    await backend.set('schedules:cursor:["exchange","it"]', Buffer.from('{"tick":"soon"}'), FOR_EVER);
    const found = await store.readCursor('it');
    expect(found?.cursor).toMatchObject({ tick: 0, state: 'done' });
    expect(await store.replaceCursor('it', found, cursor(1))).toBeDefined();
  });
});
