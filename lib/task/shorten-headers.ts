import { Header } from './headers.js';
import type { TaskHeaders } from './task.js';

/** Below this an error's text says too little. */
const LEAST_ERROR_LENGTH = 300;
const KEPT_ATTEMPTS = 2;
const DROPPED_NAMES_LENGTH = 1_000;
/** What an entry of a table takes beside its name and its value. */
const ENTRY_BYTES = 8;

const OURS = 'x-dispatcher-';

/** What may be shortened of ours before anything of the sender's is touched, in this order: each makes less of the headers, or says false. */
const REDUCTIONS: readonly ((headers: TaskHeaders, excess: number) => boolean)[] = [
  (headers, excess) => cutText(headers, Header.deadStack, excess, 0),
  (headers) => shortenHistory(headers, KEPT_ATTEMPTS),
  (headers) => shortenIssues(headers),
  (headers, excess) => cutText(headers, Header.deadError, excess, LEAST_ERROR_LENGTH),
  (headers) => shortenHistory(headers, 0),
];

/**
 * Headers that are some bytes too many for the connection, with less in them: first in ours, what tells of earlier
 * failures; then, only if allowed, without the largest of the sender's, whose names they then say. Call it again when that
 * was not enough. `undefined`: there is nothing left to leave out.
 */
export function shortenHeaders(headers: TaskHeaders, excess: number, mayDropSenders: boolean): TaskHeaders | undefined {
  const shorter = { ...headers };
  for (const reduce of REDUCTIONS) if (reduce(shorter, excess)) return shorter;
  return mayDropSenders ? withoutLargest(shorter, excess) : undefined;
}

/** Headers without any of the sender's, for what cannot be written for another reason than its size. `undefined`: there are none. */
export function withoutSendersHeaders(headers: TaskHeaders): TaskHeaders | undefined {
  return withoutLargest(headers, Infinity);
}

function cutText(headers: TaskHeaders, name: string, excess: number, least: number): boolean {
  const text = headers[name];
  if (typeof text !== 'string' || text.length <= least) return false;
  const length = Math.max(least, text.length - excess);
  if (length === 0) delete headers[name];
  else headers[name] = text.slice(0, length);
  return true;
}

/** By half, but not to less than so many: the first failure and the last ones tell most. */
function shortenHistory(headers: TaskHeaders, least: number): boolean {
  const text = headers[Header.history];
  if (typeof text !== 'string') return false;
  const entries = parsed(text);
  if (entries.length <= least && least > 0) return false;
  const count = Math.max(least, Math.floor(entries.length / 2));
  if (count === 0 || entries.length <= 1) delete headers[Header.history];
  else headers[Header.history] = JSON.stringify(count === 1 ? entries.slice(-1) : [entries[0], ...entries.slice(1 - count)]);
  return true;
}

/** By half, of those at the end. */
function shortenIssues(headers: TaskHeaders): boolean {
  const text = headers[Header.deadIssues];
  if (typeof text !== 'string') return false;
  const kept = parsed(text);
  if (kept.length <= 1) delete headers[Header.deadIssues];
  else headers[Header.deadIssues] = JSON.stringify(kept.slice(0, Math.floor(kept.length / 2)));
  return true;
}

function parsed(text: string): unknown[] {
  try {
    const history: unknown = JSON.parse(text);
    return Array.isArray(history) ? history : [];
  } catch {
    return [];
  }
}

function withoutLargest(headers: TaskHeaders, excess: number): TaskHeaders | undefined {
  const senders = Object.entries(headers).filter(([name]) => !name.startsWith(OURS))
    .map(([name, value]) => ({ name, bytes: aboutBytes(name, value) })).sort((a, b) => b.bytes - a.bytes);
  if (senders.length === 0) return undefined;
  const dropped = new Set<string>();
  // The names that are left out want room too.
  let left = excess + ENTRY_BYTES + Header.deadDropped.length;
  for (const { name, bytes } of senders) {
    if (left <= 0) break;
    dropped.add(name);
    left -= bytes - name.length - 2;
  }
  const kept: TaskHeaders = Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)));
  const before = headers[Header.deadDropped];
  kept[Header.deadDropped] = [...(typeof before === 'string' ? [before] : []), ...dropped].join(', ').slice(0, DROPPED_NAMES_LENGTH);
  return kept;
}

/** Values that JSON cannot say are taken as small. */
function aboutBytes(name: string, value: unknown): number {
  try {
    return name.length + ENTRY_BYTES + Buffer.byteLength(JSON.stringify(value) ?? '');
  } catch {
    return name.length + 64;
  }
}
