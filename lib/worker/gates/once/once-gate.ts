import { randomUUID } from 'node:crypto';
import type { StateBackend } from '../../../state/state-backend.js';
import { countHeader, Header } from '../../../task/headers.js';
import { LEASE_REMEMBERED_SECONDS, onceHeaders, onceSeconds } from '../../../task/once.js';
import type { TaskHeaders } from '../../../task/task.js';
import { clock } from '../../../time/clock.js';
import { HeldRecords } from '../held-records.js';
import { type Entrance, isEnd, type TaskEnd, type TaskGate, type TaskVisit } from '../task-gate.js';
import { lookHeaders, looksOf, pauseBeforeLook } from './claim-looks.js';
import { type HeldClaim, renewClaim, replaceOwn } from './claim-writes.js';
import { decodeClaim, encodeClaim, isBefore, judge, type OnceClaim, turnOf } from './once-claim.js';
import { type OnceTimes, onceTimes } from './once-times.js';
import { WatchedClaims } from './watched-claims.js';

/** What runs or waits must not be forgotten between two renewals. */
const SHORTEST_EXPIRY_MS = 10 * 60_000;
/** Each conflict means that somebody else went on. */
const MOST_CONFLICTS = 20;

export interface OnceClocks {
  /** Milliseconds since 1970. */
  now(): number;
  /** Milliseconds; never set back. */
  monotonic(): number;
}

const DROP: Entrance = { kind: 'drop', reason: 'Another copy of the same task was started, and has ended or goes on.' };

/**
 * Lets a task that travels with `onceHeaders()` start once, however many copies of it were published under its uuid:
 * of the copies of one attempt a single one runs, and once the task is done, the others are dropped. A worker that
 * dies loses its claim when it was not renewed for a time, and the task is started again.
 *
 * What it cannot keep apart: a process that stood still for longer than that and then goes on. Its handler and that
 * of whoever took over run both; of the two, only the one that holds the claim then says that the task is done.
 *
 * A task that runs for long is put under such a claim while it runs, by {@link lease}.
 */
export class OnceGate implements TaskGate {
  readonly name = 'once';
  private readonly held: HeldRecords<HeldClaim>;
  private readonly mine = new WeakMap<TaskVisit, HeldClaim>();
  private readonly watched = new WatchedClaims();

  constructor(
    private readonly backend: () => Promise<StateBackend>,
    readonly times: OnceTimes = onceTimes(),
    private readonly clocks: OnceClocks = { now: clock.now, monotonic: clock.elapsed },
  ) {
    this.held = new HeldRecords(backend, times.renewMs, (store, claim) => renewClaim(store, claim, clocks.now()));
  }

  concerns(visit: TaskVisit): boolean {
    return visit.leased === true || onceSeconds(visit.headers) !== undefined;
  }

  async enter(visit: TaskVisit): Promise<Entrance> {
    const claim = this.newClaim(visit);
    // Known before it is asked for: where the answer is lost, `leave` gives back what may have been taken.
    this.mine.set(visit, claim);
    const backend = await this.backendFor(visit);
    const entrance = await this.take(backend, visit, claim);
    if (entrance.kind !== 'run') {
      this.mine.delete(visit);
    } else if (claim.isLeft === true) {
      // Given up at a shutdown while it was asked for: nobody will run it, or leave.
      await this.giveBack(backend, visit, claim);
    } else {
      this.watched.forget(claim.key);
      this.held.add(claim);
    }
    return entrance;
  }

  /**
   * Writes that a task runs here, and keeps renewing it: from then on a copy of it, published with these headers, waits
   * for as long as this process lives. Can be repeated. `leave` ends it; the visit must say that it is `leased` before.
   */
  async lease(visit: TaskVisit): Promise<TaskHeaders> {
    const known = this.mine.get(visit);
    const claim = known ?? this.newClaim(visit, randomUUID());
    this.mine.set(visit, claim);
    const backend = await this.backend();
    const leased = encodeClaim({ ...decodeClaim(claim.bytes) as OnceClaim, leased: true, at: this.clocks.now() });
    const isWritten = claim.lease !== undefined && (await backend.setIfAbsent(claim.key, leased, claim)).taken;
    if (isWritten) claim.bytes = leased;
    else if (!await replaceOwn(backend, claim, leased, claim.expiresInMs)) throw new Error('Another process has started the task too.');
    this.held.add(claim);
    return {
      ...onceHeaders(claim.rememberMs / 1000), [Header.lease]: claim.key.slice(KEY_PREFIX.length), [Header.copy]: randomUUID(),
      // Whoever runs it has to know that it ran before.
      [Header.redeliveries]: Math.max(1, countHeader(visit.headers, Header.redeliveries, 0)),
    };
  }

  async leave(visit: TaskVisit, end: TaskEnd): Promise<void> {
    const claim = this.mine.get(visit);
    // By another gate, which this one had let it pass to: its work is done elsewhere, or was.
    const isDropped = end.kind === 'dropped';
    if (isDropped && claim === undefined) return;
    if (claim === undefined && !isEnd(end)) return;
    if (claim !== undefined) claim.isLeft = true;
    const backend = await this.backend();
    if (claim === undefined) return this.endUnrun(backend, visit);
    this.held.remove(claim);
    // Two may speak of one run at a shutdown; an end is an end.
    if (claim.isOver === true && !isEnd(end)) return;
    // Its own delivery is still there, and carries no claim: a copy whose publish is in doubt must not start it too.
    claim.isOver = isEnd(end) || isDropped || (claim.lease !== undefined && visit.takenOver !== true);
    const keptMs = claim.isOver ? claim.rememberMs : claim.expiresInMs + (end.kind === 'retrying' || end.kind === 'suspended' ? end.delayMs : 0);
    const left = { ...turnOf(visit), owner: claim.owner, at: this.clocks.now(), ...claim.isOver ? { state: 'done' as const } : this.goesOn(visit, end) };
    await replaceOwn(backend, claim, encodeClaim(left), keptMs);
    this.mine.delete(visit);
  }

  /** Where it cannot be asked, nothing was taken that would have to be given back. */
  private async backendFor(visit: TaskVisit): Promise<StateBackend> {
    try {
      return await this.backend();
    } catch (error) {
      this.mine.delete(visit);
      throw error;
    }
  }

  private async giveBack(backend: StateBackend, visit: TaskVisit, claim: HeldClaim): Promise<void> {
    const waiting = encodeClaim({ ...turnOf(visit), owner: claim.owner, at: this.clocks.now(), state: 'waiting' });
    await replaceOwn(backend, claim, waiting, claim.expiresInMs);
  }

  private async take(backend: StateBackend, visit: TaskVisit, claim: HeldClaim): Promise<Entrance> {
    const { key, expiresInMs } = claim;
    let other: OnceClaim | undefined;
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const taking = await backend.setIfAbsent(key, claim.bytes, { expiresInMs });
      if (taking.taken || taking.value.equals(claim.bytes)) return { kind: 'run' };
      other = decodeClaim(taking.value);
      const watchedMs = this.watched.watch(key, taking.value, this.clocks.monotonic());
      const verdict = other === undefined ? 'take' : this.judge(visit, other, watchedMs);
      if (verdict === 'drop') return DROP;
      if (verdict === 'wait') break;
      if (await backend.replaceIfEqual(key, taking.value, claim.bytes, { expiresInMs })) return { kind: 'run' };
    }
    return this.wait(visit, other);
  }

  private judge(visit: TaskVisit, other: OnceClaim, watchedMs: number): 'take' | 'wait' | 'drop' {
    const view = { watchedMs, looks: looksOf(visit.headers, other), now: this.clocks.now(), cameBack: visit.redelivered };
    return judge(turnOf(visit), other, view, this.times.takeoverMs);
  }

  private wait({ headers }: TaskVisit, other: OnceClaim | undefined): Entrance {
    const now = this.clocks.now();
    const reason = 'Another copy of the same task runs.';
    if (other?.state === 'waiting' && other.notBefore !== undefined) return { kind: 'wait', delayMs: Math.max(1, other.notBefore - now), reason: 'It waits for its next attempt.' };
    if (other?.leased !== true) return { kind: 'wait', delayMs: this.times.lookMs, reason };
    const looks = looksOf(headers, other);
    return { kind: 'wait', delayMs: pauseBeforeLook(other, looks, now, this.times), reason, headers: lookHeaders(other, looks) };
  }

  /** The task is over without having been let in here: expired, called off, or a dead letter. What runs elsewhere is not touched. */
  private async endUnrun(backend: StateBackend, visit: TaskVisit): Promise<void> {
    const { key, rememberMs: expiresInMs, owner } = this.newClaim(visit);
    const turn = turnOf(visit);
    const bytes = encodeClaim({ ...turn, owner, state: 'done', at: this.clocks.now() });
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const taking = await backend.setIfAbsent(key, bytes, { expiresInMs });
      if (taking.taken) return;
      const other = decodeClaim(taking.value);
      if (other !== undefined && (other.state === 'running' || isBefore(turn, other))) return;
      if (await backend.replaceIfEqual(key, taking.value, bytes, { expiresInMs })) return;
    }
  }

  /** @param lease under which name, where it is not the task's own */
  private newClaim(visit: TaskVisit, lease?: string): HeldClaim {
    const owner = randomUUID();
    const rememberMs = 1000 * (onceSeconds(visit.headers) ?? LEASE_REMEMBERED_SECONDS);
    const bytes = encodeClaim({ ...turnOf(visit), owner, state: 'running', at: this.clocks.now() });
    return { key: KEY_PREFIX + (lease ?? nameOf(visit)), owner, bytes, rememberMs, expiresInMs: Math.max(rememberMs, SHORTEST_EXPIRY_MS), ...(lease === undefined ? {} : { lease }) };
  }

  private goesOn({ leased, attempt }: TaskVisit, end: TaskEnd): Partial<OnceClaim> & Pick<OnceClaim, 'state'> {
    if (end.kind !== 'retrying') return { state: 'waiting' };
    // Another attempt says so itself; the same one, uncharged, is what an older copy stands for too.
    const waits = leased === true && end.attempt === attempt;
    return { state: 'waiting', attempt: end.attempt, ...(waits ? { notBefore: this.clocks.now() + end.delayMs } : {}) };
  }
}

const KEY_PREFIX = 'once:';

/** Under which name a claim of the task is kept. */
function nameOf({ uuid, headers }: TaskVisit): string {
  const lease = headers[Header.lease];
  return typeof lease === 'string' ? lease : uuid;
}
