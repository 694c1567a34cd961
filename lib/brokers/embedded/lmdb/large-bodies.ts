import { bodyKey } from './keys.js';
import { bodyIdOf, bodySizeOf } from './message-record.js';
import type { Tables } from './tables.js';

/**
 * One piece fills sixteen pages of 4 KiB, less the page's head. One piece of the whole body would
 * need so many pages in a row that the store could hardly use them again.
 */
const PIECE_BYTES = 16 * 4096 - 16;

export function putBody({ bodies }: Tables, bodyId: number, body: Buffer): void {
  for (let piece = 0; piece * PIECE_BYTES < body.length; piece++) {
    void bodies.put(bodyKey(bodyId, piece), body.subarray(piece * PIECE_BYTES, (piece + 1) * PIECE_BYTES));
  }
}

export function getBody(tables: Tables, record: Buffer): Buffer {
  return readBody(tables, bodyIdOf(record), bodySizeOf(record));
}

export function readBody({ bodies }: Tables, bodyId: number, size: number): Buffer {
  const body = Buffer.allocUnsafe(size);
  for (let at = 0; at < body.length; at += PIECE_BYTES) {
    const piece = bodies.getBinary(bodyKey(bodyId, at / PIECE_BYTES));
    if (piece === undefined) throw new Error(`Part ${at / PIECE_BYTES} of message body ${bodyId} is missing.`);
    piece.copy(body, at);
  }
  return body;
}

export function removeBody(tables: Tables, record: Buffer): void {
  const bodyId = bodyIdOf(record);
  if (bodyId !== 0) removeBodyOf(tables, bodyId, bodySizeOf(record));
}

export function removeBodyOf({ bodies }: Tables, bodyId: number, size: number): void {
  for (let piece = 0; piece * PIECE_BYTES < size; piece++) void bodies.remove(bodyKey(bodyId, piece));
}
