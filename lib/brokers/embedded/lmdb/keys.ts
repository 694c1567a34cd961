/**
 * Keys of the tables: whole numbers, most significant byte first, so that the store's byte order is
 * the order of the numbers. Bodies of keys are written here and nowhere else.
 */
const HALF = 2 ** 32;

function putLong(target: Buffer, value: number, at: number): void {
  target.writeUInt32BE(Math.floor(value / HALF), at);
  target.writeUInt32BE(value % HALF, at + 4);
}

function getLong(source: Buffer, at: number): number {
  return source.readUInt32BE(at) * HALF + source.readUInt32BE(at + 4);
}

export function queueKey(queueId: number): Buffer {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(queueId, 0);
  return key;
}

export function ownerKey(owner: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  putLong(key, owner, 0);
  return key;
}

export function ownerOf(key: Buffer): number {
  return getLong(key, 0);
}

/** Waiting messages: by queue, then in the order of publishing. */
export function readyKey(queueId: number, order: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  key.writeUInt32BE(queueId, 0);
  putLong(key, order, 4);
  return key;
}

export function orderOfReady(key: Buffer): number {
  return getLong(key, 4);
}

/** Taken messages: by who holds them, then as the waiting ones. */
export function takenKey(owner: number, queueId: number, order: number): Buffer {
  const key = Buffer.allocUnsafe(20);
  putLong(key, owner, 0);
  key.writeUInt32BE(queueId, 8);
  putLong(key, order, 12);
  return key;
}

export function orderOfTaken(key: Buffer): number {
  return getLong(key, 12);
}

/** Delayed messages: by due time, then in the order of publishing. */
export function delayedKey(dueAt: number, order: number): Buffer {
  const key = Buffer.allocUnsafe(16);
  putLong(key, dueAt, 0);
  putLong(key, order, 8);
  return key;
}

export function dueTimeOf(key: Buffer): number {
  return getLong(key, 0);
}

export function orderOfDelayed(key: Buffer): number {
  return getLong(key, 8);
}

/** Pieces of a large body, in order. */
export function bodyKey(bodyId: number, piece: number): Buffer {
  const key = Buffer.allocUnsafe(12);
  putLong(key, bodyId, 0);
  key.writeUInt32BE(piece, 8);
  return key;
}
