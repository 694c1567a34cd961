import { randomBytes } from 'node:crypto';
import { ConfigurationError, DispatcherError, ResultBackendRefusedError } from '../../../errors.js';
import type { StateBackend } from '../../../state/state-backend.js';
import { countHeader, Header } from '../../../task/headers.js';
import { type HeldRecord, HeldRecords } from '../held-records.js';
import { type Entrance, isEnd, type TaskEnd, type TaskGate, type TaskVisit } from '../task-gate.js';
import { decodeRecord, encodeRecord, firstRun, nextRun } from './crash-record.js';
import { EXPIRY, isOwn, keepRun, MOST_CONFLICTS, takeChargeBack } from './crash-writes.js';
import { Quarantine } from './quarantine.js';

/** How often a process looks whether a run of its own was taken over. */
const LOOK_MS = 10_000;
/** How long a suspected task waits while another one runs here. */
const QUARANTINE_PAUSE_MS = 2_000;

export interface CrashGateOptions {
  readonly maxRedeliveries: number;
  /** Default: every 10 s. */
  readonly lookMs?: number;
  /** Shared by all workers of a process, which die together. Default: one of its own. */
  readonly quarantine?: Quarantine;
  /** Told once, when nothing can be counted because what is shared refuses. */
  readonly onRefusal: (error: DispatcherError) => void;
}

/**
 * Counts, for each attempt that was delivered again, the runs that were begun and never heard of again, and ends the
 * attempt when there are too many. What a broker counts says nothing of that: a delivery comes back after a pause, a
 * shutdown, a lost connection, or because its neighbour killed their process. So whoever runs what came back writes
 * down that it does and how it ended; a run that is found begun and not ended has crashed, unless its process lives
 * and takes that back.
 *
 * A first delivery is not written down: it costs nothing, and a crash of its run is not seen.
 */
export class CrashGate implements TaskGate {
  readonly name = 'crashes';
  private readonly held: HeldRecords<HeldRecord>;
  private readonly mine = new WeakMap<TaskVisit, HeldRecord>();
  private readonly lookMs: number;
  private readonly quarantine: Quarantine;
  private refused = false;

  constructor(private readonly backend: () => Promise<StateBackend>, private readonly options: CrashGateOptions) {
    this.lookMs = options.lookMs ?? LOOK_MS;
    this.quarantine = options.quarantine ?? new Quarantine();
    this.held = new HeldRecords(backend, this.lookMs, keepRun);
  }

  concerns({ redelivered, uuid }: TaskVisit): boolean {
    return redelivered && uuid !== '';
  }

  async enter(visit: TaskVisit): Promise<Entrance> {
    const run: HeldRecord = { key: keyOf(visit), owner: randomBytes(9).toString('base64url'), bytes: Buffer.alloc(0) };
    // Known before it is written: where the answer is lost, `leave` gives back what may have been taken.
    this.mine.set(visit, run);
    try {
      const backend = await this.backend();
      const entrance = await this.begin(backend, visit, run);
      // Given up at a shutdown while it was asked for: nobody will run it, or leave.
      if (run.isLeft === true) {
        this.quarantine.leave(run);
        await this.end(backend, run, false);
      }
      return entrance;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      // It will be refused tomorrow too: that must not keep tasks from running.
      if (!this.refused) this.options.onRefusal(error);
      this.refused = true;
      return { kind: 'run' };
    }
  }

  async leave(visit: TaskVisit, end: TaskEnd): Promise<void> {
    const run = this.mine.get(visit);
    if (run !== undefined) this.quarantine.leave(run);
    // A crash loop stays on record: should its delivery come back once more, it must not run.
    if (run === undefined || (end.kind === 'failed' && end.reason === 'crash-loop')) return;
    run.isLeft = true;
    try {
      await this.end(await this.backend(), run, isEnd(end) || end.kind === 'retrying' || end.kind === 'suspended');
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    this.mine.delete(visit);
  }

  private async begin(backend: StateBackend, visit: TaskVisit, run: HeldRecord): Promise<Entrance> {
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      run.bytes = encodeRecord(firstRun(run.owner));
      const taking = await backend.setIfAbsent(run.key, run.bytes, EXPIRY);
      if (taking.taken) return this.run(run);
      const verdict = await this.takeOver(backend, visit, run, taking.value);
      if (verdict !== undefined) return verdict;
    }
    return this.wait('Other deliveries of the same task come and go.');
  }

  /** `undefined`: others have changed the record meanwhile. */
  private async takeOver(backend: StateBackend, visit: TaskVisit, run: HeldRecord, found: Buffer): Promise<Entrance | undefined> {
    const before = decodeRecord(found);
    // An earlier write of this very call, whose answer was lost.
    const isMine = before?.owner === run.owner;
    const next = before === undefined ? firstRun(run.owner) : isMine ? before : nextRun(before, run.owner);
    const { maxRedeliveries } = this.options;
    const isTooMany = next.crashes > maxRedeliveries;
    if (isTooMany && !isMine && before?.state === 'waiting') {
      Object.assign(run, { owner: before.owner, bytes: found });
      return { kind: 'bury', reason: 'crash-loop', error: this.crashLoop(visit, next.crashes) };
    }
    const isSuspected = !isTooMany && next.crashes > 0 && next.crashes >= maxRedeliveries / 2;
    if (isSuspected && !this.quarantine.enter(run)) return this.wait('It may crash its process, and another such task runs here: one at a time.', QUARANTINE_PAUSE_MS);
    const bytes = encodeRecord(isTooMany ? { ...next, state: 'waiting' } : next);
    run.bytes = bytes;
    if (!await backend.replaceIfEqual(run.key, found, bytes, EXPIRY)) return undefined;
    return isTooMany ? this.wait('It seems to crash its process; those that live are given time to object.') : this.run(run);
  }

  private run(run: HeldRecord): Entrance {
    this.held.add(run);
    return { kind: 'run' };
  }

  /** Long enough for every process that lives to have looked. */
  private wait(reason: string, delayMs = this.lookMs * 1.5): Entrance {
    return { kind: 'wait', delayMs, reason };
  }

  /** The run has said how it ended: nothing is left of it, unless earlier ones crashed and the attempt is to be run again. */
  private async end(backend: StateBackend, run: HeldRecord, isOver: boolean): Promise<void> {
    this.held.remove(run);
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const record = decodeRecord(run.bytes);
      const isDone = isOver || record === undefined || record.crashes === 0
        ? await backend.deleteIfEqual(run.key, run.bytes)
        : await backend.replaceIfEqual(run.key, run.bytes, encodeRecord({ ...record, state: 'waiting' }), EXPIRY);
      if (isDone) return;
      if (!await isOwn(backend, run)) return takeChargeBack(backend, run);
    }
  }

  private crashLoop({ name, uuid }: TaskVisit, crashes: number): DispatcherError {
    return new DispatcherError('ERR_DISPATCHER_CRASH_LOOP',
      `Task "${name}" (${uuid}) was begun ${crashes} times by processes that then said nothing of it any more; at most ${this.options.maxRedeliveries} are allowed (maxRedeliveries). `
      + 'It probably crashes its process: look at what the processes logged last, mend the handler, and replay the dead letter.',
      { task: name, uuid, count: crashes });
  }
}

function keyOf({ uuid, attempt, headers }: TaskVisit): string {
  return `crashes:${uuid}:${countHeader(headers, Header.replays, 0)}:${attempt}`;
}

/** An operator must act, or the configuration be mended. */
function isRefusal(error: unknown): error is DispatcherError {
  return error instanceof ResultBackendRefusedError || error instanceof ConfigurationError;
}
