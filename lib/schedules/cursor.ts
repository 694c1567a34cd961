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
    return isCursor ? cursor as Cursor : undefined;
  } catch {
    return undefined;
  }
}
