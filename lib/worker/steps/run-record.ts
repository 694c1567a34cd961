import { randomUUID } from 'node:crypto';
import type { Message } from '../../brokers/broker.js';
import { StepError, StepsLostError } from '../../errors.js';
import type { StateBackend } from '../../state/state-backend.js';
import { instantText, messageOf } from '../../task/error-text.js';
import { Header } from '../../task/headers.js';
import type { TaskHeaders } from '../../task/task.js';
import { clock } from '../../time/clock.js';
import { pauseUntil } from '../../time/pause-until.js';
import type { Entrance, TaskEnd } from '../gates/task-gate.js';
import { KeptRecord, type RecordChange, roomIn, stepsKey } from './kept-record.js';
import { messageText } from './parked-message.js';
import { afterEnd, lookMs, parkedRecord, stillWaits, taken } from './record-changes.js';
import { encodeRecord, newRecord, type RunOwner, type StepEntry, type StepsRecord, type Turn, withEntry } from './steps-record.js';
import { judgeTurn, stepsHeader, turnAfter, turnOf } from './turn.js';

/** What a record needs of the run whose it is. */
export interface SteppedRun {
  readonly uuid: string;
  readonly name: string;
  readonly headers: Readonly<TaskHeaders>;
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly queue: string;
  readonly worker: string;
  readonly signal: AbortSignal;
  readonly isAborted: boolean;
  readonly handler: { readonly inbox?: boolean; readonly batch?: object };
}

/** ... and of its process. */
export interface StepsHost {
  backend(): Promise<StateBackend>;
  /** A run begins. Resolves to the name of this process, once others can see that it lives. */
  begin(run: string): Promise<string>;
  end(run: string): void;
  /** Since when others have seen without a gap that this process lives, by the clock that nobody sets. */
  readonly steadySince: number;
  /** Whether this run goes on, in whichever process. */
  lives(owner: RunOwner): Promise<boolean>;
  /** How long a record is kept from its last change on. */
  readonly keepMs: number;
  /** How long whoever finds a task run elsewhere stays away. */
  readonly lookMs: number;
  onProblem(worker: string, message: string, error: unknown): void;
}

/** Why a run does not go on here. */
export type Refusal = Exclude<Entrance, { kind: 'run' }>;

/** How a task waits, once that is recorded. */
export interface Waiting {
  /** In milliseconds: its copy comes then. */
  readonly delayMs: number;
  /** Of that copy. */
  readonly headers: TaskHeaders;
  /** When it goes on by itself, in milliseconds since 1970. */
  readonly until: number;
  /** The signals that have it go on before. */
  readonly signals: readonly string[];
}

const UNREACHABLE_MS = 5_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * What is recorded of a task, in the hands of one of its runs: of any number of deliveries one holds it, and what another
 * would write of the same task is refused.
 */
export class RunRecord {
  readonly turn: Turn;
  private readonly kept: KeptRecord;
  private readonly run = randomUUID();
  private opening: Promise<Refusal | undefined> | undefined;
  private held = false;
  /** When it was last seen that it has the task, by the clock that nobody sets. */
  private knownAt = -Infinity;
  /** One after the other. */
  private line: Promise<unknown> = Promise.resolve();
  /** As it was when it was last seen. */
  private last: StepsRecord;

  constructor(private readonly task: SteppedRun, private readonly host: StepsHost) {
    this.turn = turnOf(task);
    this.kept = new KeptRecord(stepsKey(task.uuid), host.keepMs);
    this.last = newRecord(task.name, this.turn);
  }

  get record(): StepsRecord { return this.last; }

  /** This run has, or had, the task. */
  get isHeld(): boolean { return this.held; }

  /** Of one whose delivery says that it has steps: what still waits goes on waiting, without being run. */
  enter(): Promise<Entrance> {
    return this.asked(async () => await this.whileWaiting() ?? await this.open() ?? { kind: 'run' });
  }

  /** Takes it, or says why the run does not go on here. @throws StepError for what is no record */
  open(): Promise<Refusal | undefined> {
    return (this.opening ??= this.asked(() => this.inLine((backend) => this.take(backend))));
  }

  /**
   * Whether the task is still this run's, before it does something. Asks only where others may have thought its process dead since it
   * was last known. Whatever is away, until the run is to stop.
   *
   * @throws what the backend throws, once the run is to stop
   */
  async isStillOwn(): Promise<boolean> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        await this.host.begin(this.run);
        if (this.host.steadySince <= this.knownAt) return true;
        const asked = clock.elapsed();
        const record = await this.inLine((backend) => this.kept.read(backend));
        this.knownAt = asked;
        return record?.owner?.run === this.run;
      } catch (error) {
        if (error instanceof StepError || this.task.isAborted) throw error;
        this.host.onProblem(this.task.worker, `Whether task "${this.task.name}" (${this.task.uuid}) still runs here could not be seen before its next step; this is tried again.`, error);
        await pauseUntil(pauseMs, this.task.signal);
      }
    }
  }

  /**
   * Records an entry, whatever is away, until the run is to stop. False: another run has the task.
   *
   * @throws StepError where there is no room for it; what the backend throws, once the run is to stop
   */
  async add(entry: StepEntry): Promise<boolean> {
    const changed = await this.written((backend) => (record = this.last) => {
      const before = record.entries.get(entry.name);
      if (!this.isOwn(record) || isSame(before, entry)) return record;
      // Left by this run, and by another that had it since: what that has recorded stands.
      if (record.owner === undefined && before !== undefined) return record;
      const next = withEntry(record, entry);
      const bytes = encodeRecord(next).length;
      if (bytes > roomIn(backend)) throw tooLarge(this.task, entry.name, bytes, roomIn(backend));
      return next;
    });
    return isSame(changed.entries.get(entry.name), entry);
  }

  /**
   * Records that the task waits, and for what: from then on nobody holds it. `undefined`: another run has it, or this one
   * is to stop.
   *
   * @param messageWith the task as it is published to go on, with these headers beside its own
   */
  async park(waits: readonly StepEntry[], messageWith: (headers: TaskHeaders) => Message): Promise<Waiting | undefined> {
    const headers = { [Header.steps]: stepsHeader(turnAfter(this.turn, randomUUID())) };
    const message = messageText(messageWith(headers));
    const until = Math.min(...waits.map((wait) => (wait.kind === 'step' ? Infinity : wait.until)));
    try {
      const changed = await this.written((backend) => (record = this.last) => {
        if (record.owner?.run !== this.run) return record;
        return parkedRecord(record, waits, { now: clock.now(), until, queue: this.task.queue, message, room: roomIn(backend) });
      });
      if (!this.isOwn(changed)) return undefined;
      const { signals } = changed.parked ?? { signals: [] };
      return { headers, until, signals, delayMs: changed.parked === undefined ? 0 : lookMs(changed.parked, clock.now()) };
    } catch (error) {
      this.host.onProblem(this.task.worker, `That task "${this.task.name}" (${this.task.uuid}) waits could not be recorded; it runs again.`, error);
      return undefined;
    }
  }

  /** What became of the run. Can be repeated. @throws what the backend throws */
  async leave(end: TaskEnd): Promise<void> {
    if (this.opening === undefined) return;
    await this.opening.catch(() => undefined);
    if (this.held) {
      await this.inLine((backend) => this.kept.change(backend, (record) => (record !== undefined && this.isOwn(record) ? afterEnd(record, end, clock.now()) : undefined)));
    }
    this.host.end(this.run);
  }

  private async whileWaiting(): Promise<Entrance | undefined> {
    return this.inLine(async (backend) => {
      const record = await this.kept.read(backend);
      const now = clock.now();
      const parked = record && stillWaits(record, this.turn, now);
      if (record === undefined || parked === undefined) return undefined;
      const delayMs = lookMs(parked, now);
      const copiesUntil = Math.max(record.copiesUntil, now + delayMs);
      const changed = await this.kept.change(backend, (found) => (found === record ? { ...record, copiesUntil } : undefined));
      // Something has come meanwhile.
      if (changed === undefined || stillWaits(changed, this.turn, now) === undefined) return undefined;
      return { kind: 'wait', delayMs, reason: waitText(parked) };
    });
  }

  private async take(backend: StateBackend): Promise<Refusal | undefined> {
    const process = await this.host.begin(this.run);
    const owner: RunOwner = { process, run: this.run };
    for (let record = await this.kept.read(backend); ;) {
      const found = record;
      const refusal = await this.judged(found);
      if (typeof refusal === 'object') {
        this.host.end(this.run);
        return refusal;
      }
      const by = { task: this.task.name, turn: this.turn, owner };
      const base = found === undefined || refusal === 'begin' ? { ...newRecord(this.task.name, this.turn), copiesUntil: found?.copiesUntil ?? 0 } : found;
      record = await this.kept.change(backend, (now) => (now === found ? taken(base, by) : undefined));
      if (record?.owner?.run !== this.run) continue;
      this.last = record;
      this.held = true;
      this.knownAt = clock.elapsed();
      return undefined;
    }
  }

  private async judged(record: StepsRecord | undefined): Promise<Refusal | 'take' | 'begin'> {
    const { owner, calledOff, state } = record ?? {};
    if (owner?.run === this.run) return 'take';
    const ownerLives = owner !== undefined && await this.host.lives(owner);
    const verdict = judgeTurn(this.turn, record, { redelivered: this.task.redelivered, ownerLives, uuid: this.task.uuid });
    switch (verdict) {
      case 'wait': return { kind: 'wait', delayMs: this.host.lookMs, reason: 'Another run of it has its steps, or its process has just died.' };
      case 'drop': return { kind: 'drop', reason: 'Its steps have ended, or go on by another copy of it.' };
      case 'lost': return { kind: 'bury', reason: 'failed', error: lost(this.task) };
      default: return calledOff !== undefined && state === 'open' ? { kind: 'cancel', reason: calledOff } : verdict;
    }
  }

  /** Its own, or left by it and taken by nobody since: what ends late is recorded too. */
  private isOwn({ owner, state, turn }: StepsRecord): boolean {
    if (owner !== undefined) return owner.run === this.run;
    return state === 'open' && isSame(turn, this.turn);
  }

  /** Until it is done, or the run is to stop. */
  private async written(change: (backend: StateBackend) => RecordChange): Promise<StepsRecord> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      try {
        const record = await this.inLine((backend) => this.kept.change(backend, change(backend)));
        return (this.last = record ?? this.last);
      } catch (error) {
        if (error instanceof StepError || this.task.isAborted) throw error;
        this.host.onProblem(this.task.worker, `A step of task "${this.task.name}" (${this.task.uuid}) could not be recorded; this is tried again.`, error);
        await pauseUntil(pauseMs, this.task.signal);
      }
    }
  }

  private inLine<Done>(work: (backend: StateBackend) => Promise<Done>): Promise<Done> {
    const done = this.line.then(async () => work(await this.host.backend()));
    this.line = done.catch(() => undefined);
    return done;
  }

  /** What cannot be asked now is asked later. */
  private async asked<Answer>(ask: () => Promise<Answer>): Promise<Answer | Refusal> {
    try {
      return await ask();
    } catch (error) {
      this.host.end(this.run);
      if (error instanceof StepError) throw error;
      this.host.onProblem(this.task.worker, `What is recorded of the steps of task "${this.task.name}" (${this.task.uuid}) cannot be read; it waits in its queue.`, error);
      return { kind: 'wait', delayMs: UNREACHABLE_MS, reason: `The record of its steps cannot be read: ${messageOf(error)}` };
    }
  }
}

/** For what a task waits, and since when, where that is known. */
export function waitText({ until, signals, since }: { readonly until: number; readonly signals: readonly string[]; readonly since?: number }): string {
  const from = since === undefined ? '' : ` since ${instantText(since)}`;
  if (signals.length === 0) return `It sleeps${from} until ${instantText(until)}.`;
  const names = signals.map((name) => `"${name}"`).join(', ');
  return `It waits${from} for the ${signals.length === 1 ? 'signal' : 'first of the signals'} ${names}, until ${instantText(until)}.`;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function lost({ name, uuid }: SteppedRun): StepsLostError {
  return new StepsLostError(
    `Task "${name}" (${uuid}) was to go on, and nothing is known of its steps any more: what keeps them has lost them, or they have expired (stepsExpireInSeconds). `
    + 'See in its effects how far it came; replayed, it runs from its beginning.', { task: name, uuid });
}

function tooLarge({ name, uuid }: SteppedRun, step: string, bytes: number, most: number): StepError {
  return new StepError(
    `With the result of step "${step}", what is recorded of task "${name}" (${uuid}) has ${bytes} bytes; at most ${most} are kept of one task. Store it elsewhere, and return its key.`,
    { task: name, uuid, step, bytes, most });
}
