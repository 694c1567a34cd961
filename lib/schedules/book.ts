import type { StoredSchedule } from './stored-schedule.js';

/** What processes know together of the schedules of one exchange, in one value: so that one watch tells of any change. */
export interface Book {
  /** Those that were added at run time. */
  readonly schedules: Readonly<Record<string, StoredSchedule>>;
  /** Of both kinds; `since` in milliseconds since 1970. */
  readonly pauses: Readonly<Record<string, { readonly by: string; readonly reason: string; readonly since: number }>>;
  /** From when on a schedule counts ticks: since it was added, or resumed. Milliseconds since 1970. */
  readonly from: Readonly<Record<string, number>>;
}

export const EMPTY_BOOK: Book = { schedules: bare({}), pauses: bare({}), from: bare({}) };

export function encodeBook(book: Book): Buffer {
  return Buffer.from(JSON.stringify(book));
}

/** `undefined` for what is no book. */
export function decodeBook(bytes: Buffer): Book | undefined {
  try {
    const { schedules, pauses, from } = JSON.parse(bytes.toString()) as Partial<Record<keyof Book, unknown>>;
    if (!isRecord(schedules) || !isRecord(pauses) || !isRecord(from)) return undefined;
    return { schedules: bare(schedules), pauses: bare(pauses), from: bare(from) } as unknown as Book;
  } catch {
    return undefined;
  }
}

/** The same record with this entry, or without it. */
export function withEntry<T>(record: Readonly<Record<string, T>>, name: string, value: T | undefined): Readonly<Record<string, T>> {
  const entries = Object.entries(record).filter(([other]) => other !== name);
  return bare(Object.fromEntries(value === undefined ? entries : [...entries, [name, value]]));
}

/** Names are given by people: one may be "constructor". */
function bare<T>(record: Record<string, T>): Record<string, T> {
  return Object.assign(Object.create(null) as Record<string, T>, record);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
