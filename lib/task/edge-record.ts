import type { EdgeKind } from './edge-options.js';

/**
 * What is kept under the key of a window: who publishes under it, who waits for its end, or only that it is open.
 * All times in milliseconds since 1970, by the clock of whoever wrote them.
 */
export interface EdgeRecord {
  /** `publishing`: it may yet turn out that nothing was published. `waiting`: a task waits for the end. `open`: none does. */
  readonly state: 'publishing' | 'waiting' | 'open';
  /** The task that stands for those that are not published. */
  readonly uuid: string;
  /** Proves that this very publication waits. Empty where none does any more. */
  readonly token: string;
  /** One for as long as this record goes on; with `seq`, the number of the publication, it says which came before which. */
  readonly burst: string;
  readonly seq: number;
  /** When the window began. */
  readonly since: number;
  /** When it ends; of `publishing`, when whoever publishes is thought to be dead. */
  readonly until: number;
  /** How many have left their arguments to it. */
  readonly changes: number;
  /** The newest arguments, as a text, where they are others than it was published with. */
  readonly args?: string;
  /** Of the task that waits. */
  readonly version: number;
  /** Publications `[from, to)` that others have taken the place of, before they could start. */
  readonly skipped?: readonly [from: number, to: number];
  /** Of `publishing`: what was there, and is again should it fail. */
  readonly before?: EdgeRecord;
}

/** What travels with a task that waits for the end of its window. */
export interface EdgeMark {
  readonly kind: EdgeKind;
  /** In the shared state. */
  readonly key: string;
  readonly token: string;
  readonly burst: string;
  readonly seq: number;
  readonly waitMs: number;
  /** How many had left their arguments when it was last looked at. */
  readonly seen: number;
}

export function encodeEdgeRecord(record: EdgeRecord): Buffer {
  return Buffer.from(JSON.stringify(record));
}

/** `undefined` for somebody else's bytes. */
export function decodeEdgeRecord(bytes: Buffer): EdgeRecord | undefined {
  try {
    return recordIn(JSON.parse(bytes.toString()));
  } catch {
    return undefined;
  }
}

export function encodeEdgeMark(mark: EdgeMark): string {
  return JSON.stringify(mark);
}

/** `undefined` for what is none. */
export function decodeEdgeMark(text: unknown): EdgeMark | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const { kind, key, token, burst, seq, waitMs, seen } = JSON.parse(text) as EdgeMark;
    const isOne = (kind === 'debounce' || kind === 'throttle') && areTexts(key, token, burst) && areNumbers(seq, waitMs, seen);
    return isOne ? { kind, key, token, burst, seq, waitMs, seen } : undefined;
  } catch {
    return undefined;
  }
}

function recordIn(found: unknown): EdgeRecord | undefined {
  const { state, uuid, token, burst, seq, since, until, changes, args, version, skipped, before } = found as EdgeRecord;
  const isOne = (state === 'publishing' || state === 'waiting' || state === 'open') && areTexts(uuid, token, burst)
    && areNumbers(seq, since, until, changes, version) && (args === undefined || typeof args === 'string');
  if (!isOne) return undefined;
  const former = before === undefined ? undefined : recordIn(before);
  return {
    state, uuid, token, burst, seq, since, until, changes, version, ...(args === undefined ? {} : { args }),
    ...(Array.isArray(skipped) && areNumbers(...skipped as number[]) ? { skipped } : {}), ...(former === undefined ? {} : { before: former }),
  };
}

function areTexts(...values: readonly unknown[]): boolean {
  return values.every((value) => typeof value === 'string');
}

function areNumbers(...values: readonly unknown[]): boolean {
  return values.every((value) => Number.isFinite(value));
}
