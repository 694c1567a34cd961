import type { MessageProperties } from '../../brokers/broker.js';
import type { StateBackend } from '../../state/state-backend.js';
import { Header } from '../../task/headers.js';
import { clock } from '../../time/clock.js';
import { within } from '../../time/within.js';
import { isEnd, type TaskEnd, type TaskVisit } from '../gates/task-gate.js';
import { Lease } from '../limits/shared/lease.js';
import { KeptRecord, stepsKey } from './kept-record.js';
import { afterEnd } from './record-changes.js';
import type { SteppedRun, StepsHost } from './run-record.js';
import { StepJournal } from './step-journal.js';
import { decodeRecord, type RunOwner } from './steps-record.js';
import { judgeTurn, turnOf } from './turn.js';

const LONGEST_LOOK_MS = 2_000;

export interface StepsOptions {
  readonly exchange: string;
  readonly backend: () => Promise<StateBackend>;
  /** A process that has not said for so long that it lives is dead. */
  readonly takeoverMs: number;
  readonly keepMs: number;
  readonly onProblem: (worker: string, message: string, error: unknown) => void;
}

/**
 * The steps of the tasks that one process runs. Nothing is asked of the backend, and no timer runs, before a task has
 * one. That the process lives is said by one entry for all of them.
 */
export class Steps implements StepsHost {
  readonly keepMs: number;
  readonly lookMs: number;
  private readonly lease: Lease;
  private readonly runs = new Set<string>();
  /** Somebody's death was asked for. From then on it is kept up that this process lives: in a large fleet each is asked seldom, and would never believe it. */
  private isWatching = false;

  constructor(private readonly options: StepsOptions) {
    const { exchange, backend, takeoverMs, keepMs } = options;
    this.keepMs = keepMs;
    this.lookMs = Math.min(takeoverMs / 10, LONGEST_LOOK_MS);
    this.lease = new Lease(`steps:${encodeURIComponent(exchange)}:by:`, takeoverMs, { backend, isHolding: () => this.runs.size > 0 || this.isWatching, tick: nothing, lost: nothing },
      // Whoever has taken a record meanwhile is seen from it; and who is only slower to come back after the store was away runs on.
      { patient: true });
  }

  journalOf(run: SteppedRun): StepJournal {
    return new StepJournal(run, this);
  }

  backend(): Promise<StateBackend> {
    return this.options.backend();
  }

  async begin(run: string): Promise<string> {
    this.runs.add(run);
    return this.lease.ensure();
  }

  end(run: string): void {
    this.runs.delete(run);
  }

  get steadySince(): number { return this.lease.steadySince; }

  async lives({ process, run }: RunOwner): Promise<boolean> {
    if (this.runs.has(run)) return true;
    this.isWatching = true;
    await this.lease.ensure();
    return process !== this.lease.current && (await this.lease.gone([process])).length === 0;
  }

  onProblem(worker: string, message: string, error: unknown): void {
    this.options.onProblem(worker, message, error);
  }

  /** What became of a delivery that has not come to its steps: of a copy that goes on nothing, nothing is written. */
  async endUnrun(visit: TaskVisit, end: TaskEnd): Promise<void> {
    if (!isEnd(end)) return;
    const backend = await this.backend();
    const kept = new KeptRecord(stepsKey(visit.uuid), this.keepMs);
    const record = await kept.read(backend);
    if (record === undefined || record.state === 'ended') return;
    const ownerLives = record.owner !== undefined && await this.lives(record.owner);
    if (judgeTurn(turnOf(visit), record, { redelivered: true, ownerLives, uuid: visit.uuid }) !== 'take') return;
    await kept.change(backend, (found) => (found === record ? afterEnd(record, end, clock.now()) : undefined));
  }

  /** Nobody replays this dead letter any more. `undefined`: it has no steps, and nothing else is to be done. */
  forget({ messageId, headers }: Pick<MessageProperties, 'messageId' | 'headers'>, then: () => Promise<void> | undefined): Promise<void> | undefined {
    if (messageId === undefined || headers?.[Header.steps] === undefined) return then();
    return this.forgetFailed(messageId).then(then);
  }

  private async forgetFailed(uuid: string): Promise<void> {
    const backend = await this.backend();
    const key = stepsKey(uuid);
    const bytes = await backend.get(key);
    // It may have been replayed meanwhile.
    if (bytes !== undefined && decodeRecord(bytes).state === 'failed') await backend.deleteIfEqual(key, bytes);
  }

  /** Nobody need wait for the end of the lease, where that can be said in time. */
  async close(deadlineMs: number): Promise<void> {
    await within(deadlineMs, this.lease.resign()).catch(() => undefined);
  }
}

function nothing(): void {
  // It is found out at the next write.
}
