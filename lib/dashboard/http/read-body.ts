import type { IncomingMessage } from 'node:http';
import { Timer } from '../../time/timer.js';
import { badRequest, Refusal } from './refusal.js';

/** More than any form of ours sends, arguments included. */
export const MOST_BODY_BYTES = 1024 * 1024;
const LONGEST_MS = 30_000;

/**
 * The fields of an action. The application may have read the body already, and parsed it: what has to be exact in it is
 * a text, which no parser rounds.
 *
 * @throws Refusal
 */
export async function readFields(request: IncomingMessage): Promise<Readonly<Record<string, unknown>>> {
  const read: unknown = (request as { body?: unknown }).body;
  const found = read === undefined || isUnread(request, read) ? parse(await bytesOf(request)) : Buffer.isBuffer(read) || typeof read === 'string' ? parse(read) : read;
  if (typeof found !== 'object' || found === null || Array.isArray(found)) throw badRequest('An action takes a JSON object.');
  return found as Record<string, unknown>;
}

/** Parsers that a request is none of the business of leave an empty object. */
function isUnread(request: IncomingMessage, read: unknown): boolean {
  return !request.readableEnded && typeof read === 'object' && read !== null && !Buffer.isBuffer(read) && Object.keys(read).length === 0;
}

function parse(text: Buffer | string): unknown {
  if (text.length > MOST_BODY_BYTES) throw tooLarge();
  try {
    return JSON.parse(text.toString());
  } catch {
    throw badRequest('The body of an action is JSON; this is none.');
  }
}

function bytesOf(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (settle: () => void): void => {
      timer.cancel();
      request.off('data', onData).off('end', onEnd).off('error', onLost).off('close', onLost);
      settle();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > MOST_BODY_BYTES) end(() => reject(tooLarge()));
      else chunks.push(chunk);
    };
    const onEnd = (): void => end(() => resolve(Buffer.concat(chunks)));
    const onLost = (): void => end(() => reject(badRequest('The body of the action did not arrive.')));
    const timer = new Timer(LONGEST_MS, onLost);
    request.on('data', onData).on('end', onEnd).on('error', onLost).on('close', onLost);
    if (request.readableEnded) onEnd();
  });
}

function tooLarge(): Refusal {
  return new Refusal(413, 'TOO_LARGE', `An action takes at most ${MOST_BODY_BYTES} bytes. Store the data elsewhere and pass its key.`, { Connection: 'close' });
}
