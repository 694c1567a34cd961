import { countHeader, Header } from '../../../task/headers.js';
import type { TaskVisit } from '../task-gate.js';

/** Its process is dead when a claim was met unchanged so often in turn: what is shared could be reached each time. */
const DEAD_AFTER_LOOKS = 3;
/** How far the clocks of two processes may be apart. Who has watched a claim itself for a whole lease needs no clock. */
const CLOCKS_APART_MS = 60_000;

/** What is known of a task that is to be started once, under its uuid. */
export interface OnceClaim {
  /** `waiting`: its next delivery may start it. */
  readonly state: 'running' | 'waiting' | 'done';
  /** Made anew for each delivery. */
  readonly owner: string;
  /** How often it was replayed from the dead letters: each replay may start it once more. */
  readonly replays: number;
  /** The attempt that runs, waits or was the last. */
  readonly attempt: number;
  /** When it was written, by its owner's clock, in milliseconds since 1970. */
  readonly at: number;
  /** Which of the published copies runs, where they can be told apart. */
  readonly copy?: string;
  /** Its run holds no delivery any more; a copy stands for it, see `lib/worker/lease/`. */
  readonly leased?: boolean;
  /** With `waiting`: not to be started before, in milliseconds since 1970. */
  readonly notBefore?: number;
}

/** What is seen of a claim by whoever wants to start the task too. */
export interface ClaimView {
  /** For how long this process has seen the very same claim, in milliseconds. */
  readonly watchedMs: number;
  /** How often in turn this delivery has met the very same claim, with a pause between. */
  readonly looks: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** The broker has taken this delivery from somebody who did not settle it. */
  readonly cameBack: boolean;
}

export type OnceVerdict = 'take' | 'wait' | 'drop';

type Turn = Pick<OnceClaim, 'replays' | 'attempt' | 'copy'>;

export function turnOf({ headers, attempt }: TaskVisit): Turn {
  const copy = headers[Header.copy];
  return { replays: countHeader(headers, Header.replays, 0), attempt, ...(typeof copy === 'string' ? { copy } : {}) };
}

/**
 * Whether a delivery may start in the face of this claim.
 *
 * @param takeoverMs a claim that nobody has renewed for so long is that of a dead process
 */
export function judge(turn: Turn, claim: OnceClaim, { watchedMs, looks, now, cameBack }: ClaimView, takeoverMs: number): OnceVerdict {
  if (isBefore(turn, claim)) return 'drop';
  if (claim.state === 'done') return turn.replays > claim.replays ? 'take' : 'drop';
  if (claim.state === 'waiting') return now < (claim.notBefore ?? 0) ? 'wait' : 'take';
  // It could not be renewed while what is shared was away either: only who met it again and again knows.
  if (claim.leased === true) return looks >= DEAD_AFTER_LOOKS ? 'take' : 'wait';
  // The copy that ran is this one: whoever ran it has lost it to the broker.
  if (cameBack && turn.copy !== undefined && turn.copy === claim.copy) return 'take';
  return watchedMs >= takeoverMs || now - claim.at >= takeoverMs + CLOCKS_APART_MS ? 'take' : 'wait';
}

/** A later attempt or replay is at the broker, or was: this delivery is a copy of what is over. */
export function isBefore(turn: Turn, claim: Turn): boolean {
  return turn.replays < claim.replays || (turn.replays === claim.replays && turn.attempt < claim.attempt);
}

export function encodeClaim(claim: OnceClaim): Buffer {
  return Buffer.from(JSON.stringify(claim));
}

/** `undefined` for what is no claim: somebody else's bytes. */
export function decodeClaim(bytes: Buffer): OnceClaim | undefined {
  try {
    const { state, owner, replays, attempt, at, copy, leased, notBefore } = JSON.parse(bytes.toString()) as OnceClaim;
    const isOne = (state === 'running' || state === 'waiting' || state === 'done') && typeof owner === 'string' && [replays, attempt, at].every(Number.isFinite);
    if (!isOne) return undefined;
    return {
      state, owner, replays, attempt, at,
      ...(typeof copy === 'string' ? { copy } : {}), ...(leased === true ? { leased } : {}),
      ...(Number.isFinite(notBefore) ? { notBefore } : {}),
    };
  } catch {
    return undefined;
  }
}
