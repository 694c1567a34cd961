import type { EdgeOutcome, EdgeSpec } from './edge-options.js';
import type { EdgeMark, EdgeRecord } from './edge-record.js';

/** A task that waits for so much longer than its window is not counted on any more: it may be lost, or stand in a long queue. */
const OVERDUE_MS = 60_000;

/** A task that is to be published, and what is known of its key. */
export interface EdgeAsk {
  readonly spec: EdgeSpec;
  readonly uuid: string;
  /** Made for this publication. */
  readonly token: string;
  /** For a record that begins with it. */
  readonly burst: string;
  readonly version: number;
  /** Its arguments as they can be left to another; absent: they cannot. */
  readonly args?: string;
  readonly now: number;
  /** Whoever publishes under the key has not come to an end for too long. */
  readonly isStuck: boolean;
}

/** What a publisher does next. */
export type EdgeStep =
  /** It is not decided yet what is there: look again. */
  | { readonly kind: 'wait' }
  /** Another stands for it: `record` is to be written, where that changes anything. */
  | { readonly kind: 'join'; readonly outcome: EdgeOutcome; readonly record?: EdgeRecord }
  /** It is published, between `before`, which is there again should that fail, and `held`. */
  | { readonly kind: 'publish'; readonly outcome: EdgeOutcome; readonly held: EdgeRecord; readonly before?: EdgeRecord };

export function edgeStep(found: EdgeRecord | undefined, ask: EdgeAsk): EdgeStep {
  if (found?.state === 'publishing' && !ask.isStuck && ask.now < found.until) return { kind: 'wait' };
  const record = found && decided(found);
  if (record === undefined || isOver(record, ask.now)) return ask.spec.leading ? lead(record, ask) : trail(record, ask, ask.now, ask.now + ask.spec.waitMs);
  if (!ask.spec.trailing) return { kind: 'join', outcome: { taken: false, uuid: record.uuid, replaced: false }, ...slid(record, ask) };
  return record.state === 'open' ? trail(record, ask, record.since, endOf(record, ask)) : besideWaiting(record, ask);
}

/** What is there once it is given up that somebody publishes: should that one's task come all the same, another has its place. */
export function decided(found: EdgeRecord): EdgeRecord {
  if (found.state !== 'publishing') return found;
  const { before, burst, seq } = found;
  const skipped = skipping(before === undefined || before.burst === burst ? before ?? found : undefined, seq, seq + 1);
  return before === undefined ? { ...found, state: 'open', token: '', until: 0, skipped } : { ...before, burst, seq, skipped };
}

function lead(record: EdgeRecord | undefined, ask: EdgeAsk): EdgeStep {
  const held: EdgeRecord = { ...waiting(continued(record), ask, ask.now, ask.now + ask.spec.waitMs), state: 'open' };
  return { kind: 'publish', outcome: { taken: true, as: 'leading' }, held, ...(record === undefined ? {} : { before: record }) };
}

function trail(record: EdgeRecord | undefined, ask: EdgeAsk, since: number, until: number, skips?: EdgeRecord): EdgeStep {
  const held = waiting(skips ?? continued(record), ask, since, until);
  const skipped = skips === undefined ? {} : { skipped: skipping(skips, skips.seq, held.seq) };
  return { kind: 'publish', outcome: { taken: true, as: 'trailing', dueAt: until }, held: { ...held, ...skipped }, ...(record === undefined ? {} : { before: record }) };
}

/** Beside one that waits, and is due, it begins anew: that one is not to be taken for skipped. */
function continued(record: EdgeRecord | undefined): EdgeRecord | undefined {
  return record?.state === 'open' ? record : undefined;
}

function waiting(base: EdgeRecord | undefined, { uuid, token, burst, version }: EdgeAsk, since: number, until: number): EdgeRecord {
  const seq = (base?.seq ?? 0) + 1;
  return { state: 'waiting', uuid, token, burst: base?.burst ?? burst, seq, since, until, changes: 0, version, ...(base?.skipped === undefined ? {} : { skipped: base.skipped }) };
}

/** Once it is due it is on its way: it takes newer arguments, and is not put off any more. */
function besideWaiting(record: EdgeRecord, ask: EdgeAsk): EdgeStep {
  const isDue = ask.now >= record.until;
  const until = isDue ? record.until : endOf(record, ask);
  if (ask.args !== undefined && ask.version === record.version) {
    return { kind: 'join', outcome: { taken: false, uuid: record.uuid, replaced: true }, record: { ...record, args: ask.args, until, changes: record.changes + 1 } };
  }
  // What is on its way is not made to wait by one after the other that takes its place.
  if (isDue) return trail(record, ask, ask.now, ask.now + ask.spec.waitMs);
  return trail(record, ask, record.since, until, record);
}

function slid(record: EdgeRecord, ask: EdgeAsk): { record?: EdgeRecord } {
  const until = ask.now >= record.until ? record.until : endOf(record, ask);
  return until === record.until ? {} : { record: { ...record, until, changes: record.changes + 1 } };
}

function endOf({ since, until }: EdgeRecord, { now, spec: { kind, waitMs, maxWaitMs = Infinity } }: EdgeAsk): number {
  return kind === 'throttle' ? until : Math.max(now, Math.min(now + waitMs, since + maxWaitMs));
}

function isOver({ state, until }: EdgeRecord, now: number): boolean {
  return now >= (state === 'open' ? until : until + OVERDUE_MS);
}

function skipping(record: EdgeRecord | undefined, from: number, to: number): readonly [number, number] {
  return [Math.min(from, record?.skipped?.[0] ?? from), Math.max(to, record?.skipped?.[1] ?? to)];
}

/** What a delivery that waits for the end of its window does now. */
export type EdgeVerdict =
  /** Its record is gone, or speaks of others: it runs with what it has. */
  | { readonly kind: 'plain' }
  /** Its window is over: `after` takes the place of the record, or nothing. */
  | { readonly kind: 'start'; readonly record: EdgeRecord; readonly after?: EdgeRecord }
  /** Others came meanwhile. */
  | { readonly kind: 'wait'; readonly record: EdgeRecord; readonly delayMs: number }
  /** Somebody is taking its place, or fails to. */
  | { readonly kind: 'undecided' }
  | { readonly kind: 'superseded'; readonly uuid: string };

/**
 * It is not asked what time it is where nobody has come since it was last put off: then it has waited for all of it,
 * whatever the clocks say.
 */
export function edgeVerdict(found: EdgeRecord | undefined, mark: EdgeMark, now: number): EdgeVerdict {
  if (found === undefined) return { kind: 'plain' };
  // Here it is: so it was published.
  if (found.token === mark.token) return start(found, found.state === 'publishing' ? mark.seen : found.changes, mark, now);
  const record = found.state === 'publishing' ? found.before : found;
  if (record?.token === mark.token) return found !== record && now < found.until ? { kind: 'undecided' } : start(decided(found), record.changes, mark, now);
  return record !== undefined && isSkipped(record, mark) ? { kind: 'superseded', uuid: record.uuid } : { kind: 'plain' };
}

/** What is left of a window whose task will not start; `undefined`: nothing. */
export function edgeWithout(record: EdgeRecord, { kind }: EdgeMark, now: number): EdgeRecord | undefined {
  if (kind === 'debounce' && record.skipped === undefined) return undefined;
  return opened(record, record.since, kind === 'throttle' ? Math.max(record.until, now) : now);
}

function start(record: EdgeRecord, changes: number, mark: EdgeMark, now: number): EdgeVerdict {
  if (changes !== mark.seen && now < record.until) return { kind: 'wait', record, delayMs: Math.min(record.until - now, mark.waitMs) };
  if (mark.kind === 'debounce' && record.skipped === undefined) return { kind: 'start', record };
  return { kind: 'start', record, after: opened(record, now, mark.kind === 'throttle' ? now + mark.waitMs : now) };
}

/** Nobody waits for the end of it any more; who was skipped is not forgotten. */
function opened({ uuid, burst, seq, version, skipped }: EdgeRecord, since: number, until: number): EdgeRecord {
  return { state: 'open', uuid, token: '', burst, seq, since, until, changes: 0, version, ...(skipped === undefined ? {} : { skipped }) };
}

function isSkipped({ burst, skipped }: EdgeRecord, mark: EdgeMark): boolean {
  return burst === mark.burst && skipped !== undefined && mark.seq >= skipped[0] && mark.seq < skipped[1];
}
