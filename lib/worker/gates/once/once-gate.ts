import { randomUUID } from 'node:crypto';
import type { ResultBackend } from '../../../results/result-backend.js';
import { onceSeconds } from '../../../task/once.js';
import { type Entrance, isEnd, type TaskEnd, type TaskGate, type TaskVisit } from '../task-gate.js';
import { type HeldClaim, HeldClaims } from './held-claims.js';
import { decodeClaim, encodeClaim, isBefore, judge, type OnceClaim, turnOf } from './once-claim.js';
import { WatchedClaims } from './watched-claims.js';

/** How long a copy waits before it looks again whether the other has ended. */
const LOOK_AGAIN_MS = 5_000;
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

/**
 * Lets a task that travels with `onceHeaders()` start once, however many copies of it were published under its uuid:
 * of the copies of one attempt a single one runs, and once the task is done, the others are dropped. A worker that
 * dies loses its claim when it was not renewed for 30 s, and the task is started again.
 *
 * What it cannot keep apart: a process that stood still for longer than that and then goes on. Its handler and that
 * of whoever took over run both; of the two, only the one that holds the claim then says that the task is done.
 */
export class OnceGate implements TaskGate {
  readonly name = 'once';
  private readonly held: HeldClaims;
  private readonly mine = new WeakMap<TaskVisit, HeldClaim>();
  private readonly watched = new WatchedClaims();

  constructor(
    private readonly backend: () => Promise<ResultBackend>,
    private readonly clocks: OnceClocks = { now: () => Date.now(), monotonic: () => performance.now() },
  ) {
    this.held = new HeldClaims(backend, () => clocks.now());
  }

  concerns({ headers }: TaskVisit): boolean {
    return onceSeconds(headers) !== undefined;
  }

  async enter(visit: TaskVisit): Promise<Entrance> {
    const backend = await this.backend();
    const claim = this.newClaim(visit);
    // Known before it is asked for: where the answer is lost, `leave` gives back what may have been taken.
    this.mine.set(visit, claim);
    const verdict = await this.take(backend, visit, claim);
    if (verdict === 'take') {
      this.watched.forget(claim.key);
      this.held.add(claim);
      return { kind: 'run' };
    }
    this.mine.delete(visit);
    if (verdict === 'drop') return { kind: 'drop', reason: 'Another copy of the same task was started, and has ended or goes on.' };
    return { kind: 'wait', delayMs: LOOK_AGAIN_MS, reason: 'Another copy of the same task runs.' };
  }

  async leave(visit: TaskVisit, end: TaskEnd): Promise<void> {
    if (end.kind === 'dropped') return;
    const claim = this.mine.get(visit);
    if (claim === undefined && !isEnd(end)) return;
    const backend = await this.backend();
    if (claim === undefined) return this.endUnrun(backend, visit);
    this.held.remove(claim);
    // Two may speak of one run at a shutdown; an end is an end.
    if (claim.isOver === true && !isEnd(end)) return;
    claim.isOver = isEnd(end);
    const keptMs = claim.isOver ? rememberMs(visit) : claim.expiresInMs + (end.kind === 'retrying' ? end.delayMs : 0);
    const left = { ...turnOf(visit), owner: claim.owner, at: this.clocks.now(), ...after(end) };
    await this.replaceOwn(backend, claim, encodeClaim(left), keptMs);
    this.mine.delete(visit);
  }

  private async take(backend: ResultBackend, visit: TaskVisit, claim: HeldClaim): Promise<'take' | 'wait' | 'drop'> {
    const { key, bytes, expiresInMs } = claim;
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const taking = await backend.setIfAbsent(key, bytes, { expiresInMs });
      if (taking.taken || taking.value.equals(bytes)) return 'take';
      const other = decodeClaim(taking.value);
      const watchedMs = this.watched.watch(key, taking.value, this.clocks.monotonic());
      const verdict = other === undefined ? 'take' : judge(turnOf(visit), other, watchedMs, this.clocks.now(), visit.redelivered);
      if (verdict !== 'take') return verdict;
      if (await backend.replaceIfEqual(key, taking.value, bytes, { expiresInMs })) return 'take';
    }
    return 'wait';
  }

  /** A write whose answer was lost, or a renewal, may stand there instead of what was last known. Another's stays. */
  private async replaceOwn(backend: ResultBackend, claim: HeldClaim, left: Buffer, expiresInMs: number): Promise<void> {
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      if (await backend.replaceIfEqual(claim.key, claim.bytes, left, { expiresInMs })) return;
      const found = await backend.get(claim.key);
      if (found === undefined || decodeClaim(found)?.owner !== claim.owner) return;
      claim.bytes = found;
      if (found.equals(left)) return;
    }
  }

  /** The task is over without having been let in here: expired, called off, or a dead letter. What runs elsewhere is not touched. */
  private async endUnrun(backend: ResultBackend, visit: TaskVisit): Promise<void> {
    const key = keyOf(visit);
    const turn = turnOf(visit);
    const bytes = encodeClaim({ ...turn, owner: randomUUID(), state: 'done', at: this.clocks.now() });
    const expiresInMs = rememberMs(visit);
    for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
      const taking = await backend.setIfAbsent(key, bytes, { expiresInMs });
      if (taking.taken) return;
      const other = decodeClaim(taking.value);
      if (other !== undefined && (other.state === 'running' || isBefore(turn, other))) return;
      if (await backend.replaceIfEqual(key, taking.value, bytes, { expiresInMs })) return;
    }
  }

  private newClaim(visit: TaskVisit): HeldClaim {
    const owner = randomUUID();
    const bytes = encodeClaim({ ...turnOf(visit), owner, state: 'running', at: this.clocks.now() });
    return { key: keyOf(visit), owner, bytes, expiresInMs: Math.max(rememberMs(visit), SHORTEST_EXPIRY_MS) };
  }
}

function after(end: TaskEnd): Partial<OnceClaim> & Pick<OnceClaim, 'state'> {
  if (end.kind === 'retrying') return { state: 'waiting', attempt: end.attempt };
  return { state: isEnd(end) ? 'done' : 'waiting' };
}

function keyOf({ uuid }: TaskVisit): string {
  return `once:${uuid}`;
}

function rememberMs({ headers }: TaskVisit): number {
  return 1000 * (onceSeconds(headers) as number);
}
