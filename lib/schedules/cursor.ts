/** How far a schedule has come, as all processes see it. */
export interface Cursor {
  /** Every tick up to and including this instant is dealt with; in state `claimed` all before it are. */
  readonly tick: number;
  /** `claimed`: its owner is about to publish it, or has, or has died. */
  readonly state: 'claimed' | 'done';
  /** Of whom it is, unique. */
  readonly owner: string;
  /** The recurrence that the tick is one of. */
  readonly text: string;
  /** The last tick that was published, and by which process. */
  readonly fired?: { readonly tick: number; readonly by: string };
  /** The last ones, the latest first; those too that could not be published. */
  readonly recent?: readonly CursorFiring[];
}

export interface CursorFiring {
  readonly tick: number;
  readonly by: string;
  /** Why it could not be published. */
  readonly error?: string;
}

/** What the cursor tells of the past. */
export type Told = Pick<Cursor, 'fired' | 'recent'>;

const MOST_RECENT = 10;
const LONGEST_ERROR = 200;

/** The same with one more. A tick that is fired again, because nobody knows whether it was, stands there once. */
export function withFiring({ fired, recent = [] }: Told, { tick, by, error }: CursorFiring): Told {
  const firing = { tick, by, ...(error === undefined ? {} : { error: error.slice(0, LONGEST_ERROR) }) };
  return { fired: error === undefined ? { tick, by } : fired, recent: [firing, ...recent.filter((other) => other.tick !== tick)].slice(0, MOST_RECENT) };
}

/** As it was read: the bytes are what a replacement must find. */
export interface StoredCursor {
  readonly cursor: Cursor;
  readonly bytes: Buffer;
}

export function encodeCursor(cursor: Cursor): Buffer {
  return Buffer.from(JSON.stringify(cursor));
}

/** What is no cursor says nothing, and is replaced. */
export function storedCursor(bytes: Buffer): StoredCursor {
  return { bytes, cursor: decodeCursor(bytes) ?? { tick: 0, state: 'done', owner: '', text: '' } };
}

function decodeCursor(bytes: Buffer): Cursor | undefined {
  try {
    const cursor = JSON.parse(bytes.toString()) as Partial<Cursor> | null;
    const isCursor = typeof cursor?.tick === 'number' && (cursor.state === 'claimed' || cursor.state === 'done')
      && typeof cursor.owner === 'string' && typeof cursor.text === 'string';
    if (!isCursor) return undefined;
    const { recent, ...rest } = cursor as Cursor;
    return Array.isArray(recent) ? { ...rest, recent: recent.filter(isFiring) } : rest;
  } catch {
    return undefined;
  }
}

function isFiring(value: unknown): value is CursorFiring {
  const { tick, by, error } = (value ?? {}) as Partial<CursorFiring>;
  return typeof tick === 'number' && typeof by === 'string' && (error === undefined || typeof error === 'string');
}
