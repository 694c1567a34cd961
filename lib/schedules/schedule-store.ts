import { DispatcherError } from '../errors.js';
import type { StateBackend, StopWatching } from '../state/state-backend.js';
import { decodeBook, EMPTY_BOOK, encodeBook, type Book } from './book.js';
import { encodeCursor, storedCursor, type Cursor, type StoredCursor } from './cursor.js';

const FOR_EVER = { expiresInMs: Infinity };
/** Changes are made by hand: so many at the same moment are no coincidence. */
const MOST_TRIES = 100;
const MAX_BOOK_BYTES = 1024 * 1024;

/** The schedules of an exchange in the state that processes share. @throws in each method what the backend throws */
export class ScheduleStore {
  private readonly bookKey: string;

  constructor(private readonly backend: () => Promise<StateBackend>, private readonly exchange: string) {
    this.bookKey = `schedules:book:${exchange}`;
  }

  async readBook(): Promise<Book> {
    const bytes = await (await this.backend()).get(this.bookKey);
    return bytes === undefined ? EMPTY_BOOK : this.decode(bytes);
  }

  /**
   * Changes it in one step, whoever else changes it meanwhile; `change` may be called several times.
   * Returns the book as it is then.
   */
  async changeBook(change: (book: Book) => Book): Promise<Book> {
    const backend = await this.backend();
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const bytes = await backend.get(this.bookKey);
      const book = bytes === undefined ? EMPTY_BOOK : this.decode(bytes);
      const changed = change(book);
      if (changed === book) return book;
      const next = encodeBook(changed);
      if (next.length > MAX_BOOK_BYTES) throw tooMany(next.length);
      const isWritten = bytes === undefined
        ? (await backend.setIfAbsent(this.bookKey, next, FOR_EVER)).taken
        : await backend.replaceIfEqual(this.bookKey, bytes, next, FOR_EVER);
      if (isWritten) return changed;
    }
    throw new DispatcherError('ERR_DISPATCHER_SCHEDULES_BUSY', `The schedules of "${this.exchange}" were changed by others ${MOST_TRIES} times meanwhile; try again.`, {}, { retryable: true });
  }

  /** @param onChange called once where there is a book, and after each change */
  async watchBook(onChange: () => void): Promise<StopWatching> {
    return (await this.backend()).watch(this.bookKey, onChange);
  }

  async readCursor(schedule: string): Promise<StoredCursor | undefined> {
    const bytes = await (await this.backend()).get(this.cursorKey(schedule));
    return bytes === undefined ? undefined : storedCursor(bytes);
  }

  /** The cursor that is there then, this one or another's. */
  async createCursor(schedule: string, cursor: Cursor): Promise<StoredCursor> {
    const bytes = encodeCursor(cursor);
    const claim = await (await this.backend()).setIfAbsent(this.cursorKey(schedule), bytes, FOR_EVER);
    return claim.taken ? { cursor, bytes } : storedCursor(claim.value);
  }

  /** `undefined` when it was not as expected (any more). */
  async replaceCursor(schedule: string, expected: StoredCursor | undefined, cursor: Cursor): Promise<StoredCursor | undefined> {
    if (expected === undefined) {
      const created = await this.createCursor(schedule, cursor);
      return created.cursor === cursor ? created : undefined;
    }
    const bytes = encodeCursor(cursor);
    const isReplaced = await (await this.backend()).replaceIfEqual(this.cursorKey(schedule), expected.bytes, bytes, FOR_EVER);
    return isReplaced ? { cursor, bytes } : undefined;
  }

  async deleteCursor(schedule: string): Promise<void> {
    await (await this.backend()).delete(this.cursorKey(schedule));
  }

  private cursorKey(schedule: string): string {
    return `schedules:cursor:${JSON.stringify([this.exchange, schedule])}`;
  }

  private decode(bytes: Buffer): Book {
    const book = decodeBook(bytes);
    if (book !== undefined) return book;
    throw new DispatcherError('ERR_DISPATCHER_SCHEDULES_UNREADABLE',
      `The schedules of "${this.exchange}" cannot be read: the key "${this.bookKey}" holds something else. Was it written by a newer version? Delete the key to begin without schedules of run time.`);
  }
}

function tooMany(bytes: number): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_TOO_MANY_SCHEDULES', `With this the schedules would take ${bytes} bytes; ${MAX_BOOK_BYTES} are kept at most. Remove some, or make their tasks smaller.`,
    { bytes, limit: MAX_BOOK_BYTES });
}
