import type { StateBackend } from '../../../state/state-backend.js';
import { decodeEdgeMark, decodeEdgeRecord, type EdgeMark, type EdgeRecord, encodeEdgeMark, encodeEdgeRecord } from '../../../task/edge-record.js';
import { EDGE_KEPT_MS, edgeKeptMs } from '../../../task/edge-kept.js';
import { edgeVerdict, type EdgeVerdict, edgeWithout } from '../../../task/edge-steps.js';
import { Header } from '../../../task/headers.js';
import { clock } from '../../../time/clock.js';
import { isEnd, type Entrance, type TaskEnd, type TaskGate, type TaskVisit } from '../task-gate.js';
import { newerArguments } from '../newer-arguments.js';

/** Each conflict means that somebody else went on. */
const MOST_CONFLICTS = 20;
/** When somebody is taking its place, or fails to. */
const UNDECIDED_MS = 1_000;
/** A delivery of a task that has succeeded may come once more, from a process that died before it was acknowledged. */
const SUCCEEDED_KEPT_MS = 120_000;

const RUN: Entrance = { kind: 'run' };

/**
 * Lets a task that waits for the end of its window start when it is over, with the newest arguments. Two gates, of one
 * memory: `look` turns away what is too early before it takes a place of a limit, `start` ends the window. The newest arguments are
 * kept under the task's own token first: a redelivery, a retry or a replay is to have them too.
 */
export class EdgeGates {
  /** Of these nothing is kept: they run as they came. */
  private readonly plain = new WeakSet<TaskVisit>();
  /** Of these the newest arguments are. */
  private readonly kept = new WeakSet<TaskVisit>();
  readonly look: TaskGate = { name: 'windows', concerns, enter: (visit) => this.looked(visit), leave: () => Promise.resolve() };
  readonly start: TaskGate = { name: 'ends of windows', concerns, enter: (visit) => this.started(visit), leave: (visit, end) => this.left(visit, end) };

  constructor(private readonly backend: () => Promise<StateBackend>, private readonly now: () => number = clock.now) {}

  private async looked(visit: TaskVisit): Promise<Entrance> {
    const mark = markOf(visit);
    const backend = await this.backend();
    const found = await backend.get(mark.key);
    const verdict = edgeVerdict(found && decodeEdgeRecord(found), mark, this.now());
    if (verdict.kind === 'start') return RUN;
    return await this.decidedBefore(backend, mark, visit, verdict) ?? turnedAway(verdict, mark, this.now()) ?? RUN;
  }

  private async started(visit: TaskVisit): Promise<Entrance> {
    if (this.plain.has(visit)) return RUN;
    const mark = markOf(visit);
    const backend = await this.backend();
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const found = await backend.get(mark.key);
      const verdict = edgeVerdict(found && decodeEdgeRecord(found), mark, this.now());
      if (found === undefined || verdict.kind !== 'start') return await this.decidedBefore(backend, mark, visit, verdict) ?? turnedAway(verdict, mark, this.now()) ?? RUN;
      const { record, after } = verdict;
      if (isToBeKept(record)) await this.keep(backend, mark, visit, record);
      if (await replaced(backend, mark, found, after, this.now())) return runWith(record.args, visit.name);
    }
    throw new Error(`The window "${mark.key}" was changed by others ${MOST_CONFLICTS} times.`);
  }

  /** One that has started before runs with what it had then, whatever became of its window. */
  private async decidedBefore(backend: StateBackend, mark: EdgeMark, visit: TaskVisit, verdict: EdgeVerdict): Promise<Entrance | undefined> {
    if (verdict.kind !== 'plain' && verdict.kind !== 'superseded') return undefined;
    const args = (await backend.get(keptKey(mark)))?.toString();
    if (args !== undefined) this.kept.add(visit);
    else if (verdict.kind === 'superseded') return undefined;
    else this.plain.add(visit);
    return runWith(args === '' ? undefined : args, visit.name);
  }

  private async keep(backend: StateBackend, mark: EdgeMark, visit: TaskVisit, { args = '' }: EdgeRecord): Promise<void> {
    await backend.set(keptKey(mark), Buffer.from(args), { expiresInMs: EDGE_KEPT_MS });
    this.kept.add(visit);
  }

  private async left(visit: TaskVisit, end: TaskEnd): Promise<void> {
    const mark = markOf(visit);
    const backend = await this.backend();
    if (isEnd(end)) await this.endUnstarted(backend, mark, visit, end);
    if (!this.kept.has(visit)) return;
    const expiresInMs = keptAfterMs(end);
    const args = expiresInMs === undefined ? undefined : await backend.get(keptKey(mark));
    if (args !== undefined && expiresInMs !== undefined) await backend.set(keptKey(mark), args, { expiresInMs });
  }

  /** It waits no longer, and will not start: nobody is to leave it anything. As a dead letter it keeps what it was left, for its replay. */
  private async endUnstarted(backend: StateBackend, mark: EdgeMark, visit: TaskVisit, end: TaskEnd): Promise<void> {
    if (this.plain.has(visit)) return;
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const found = await backend.get(mark.key);
      const record = found && decodeEdgeRecord(found);
      if (found === undefined || record === undefined || record.token !== mark.token) return;
      if (end.kind === 'failed' && isToBeKept(record)) await this.keep(backend, mark, visit, record);
      if (await replaced(backend, mark, found, edgeWithout(record, mark, this.now()), this.now())) return;
    }
    throw new Error(`The window "${mark.key}" was changed by others ${MOST_CONFLICTS} times.`);
  }
}

/** Where others were left out, or left something, its record alone does not tell what it started with. */
function isToBeKept({ args, skipped }: EdgeRecord): boolean {
  return args !== undefined || skipped !== undefined;
}

/** `undefined`: as long as it is. */
function keptAfterMs(end: TaskEnd): number | undefined {
  if (end.kind === 'retrying' || end.kind === 'suspended') return EDGE_KEPT_MS + end.delayMs;
  if (end.kind === 'succeeded' || end.kind === 'cancelled' || end.kind === 'expired') return SUCCEEDED_KEPT_MS;
  return end.kind === 'failed' ? EDGE_KEPT_MS : undefined;
}

function turnedAway(verdict: EdgeVerdict, mark: EdgeMark, now: number): Entrance | undefined {
  switch (verdict.kind) {
    case 'wait': return {
      kind: 'wait', delayMs: verdict.delayMs, reason: `Others of its key came meanwhile: its window (${mark.kind}) ends in ${Math.ceil(verdict.delayMs / 100) / 10} s.`,
      headers: { [Header.edge]: encodeEdgeMark({ ...mark, seen: verdict.record.changes }), [Header.due]: now + verdict.delayMs },
    };
    case 'undecided': return { kind: 'wait', delayMs: UNDECIDED_MS, reason: `Another task of its window (${mark.kind}) is being published, which may take its place.` };
    case 'superseded': return { kind: 'cancel', reason: `Task ${verdict.uuid} of the same key was published later, and has taken its place (${mark.kind}).` };
    default: return undefined;
  }
}

function replaced(backend: StateBackend, { key }: EdgeMark, found: Buffer, after: EdgeRecord | undefined, now: number): Promise<boolean> {
  return after === undefined ? backend.deleteIfEqual(key, found) : backend.replaceIfEqual(key, found, encodeEdgeRecord(after), { expiresInMs: edgeKeptMs(after, now) });
}

function runWith(args: string | undefined, name: string): Entrance {
  return args === undefined ? RUN : { kind: 'run', args: newerArguments(args, name) };
}

function concerns({ headers }: TaskVisit): boolean {
  return decodeEdgeMark(headers[Header.edge]) !== undefined;
}

/** Only asked where `concerns` has said so. */
function markOf({ headers }: TaskVisit): EdgeMark {
  return decodeEdgeMark(headers[Header.edge]) as EdgeMark;
}

function keptKey({ token }: EdgeMark): string {
  return `edge-arguments:${token}`;
}
