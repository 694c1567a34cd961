import type { StateBackend } from '../../../state/state-backend.js';
import { type HeldRecord, reread } from '../held-records.js';
import { decodeClaim, encodeClaim, type OnceClaim } from './once-claim.js';

/** Each conflict means that somebody else went on. */
const MOST_CONFLICTS = 20;

/** A claim of a task that runs here. */
export interface HeldClaim extends HeldRecord {
  readonly expiresInMs: number;
  /** How long its end is remembered. */
  readonly rememberMs: number;
  /** How its copies are told apart from others, where it was made for a lease. */
  readonly lease?: string;
  /** Its task has ended. */
  isOver?: boolean;
}

/** Says that the task still runs here. False where another has taken the claim over: that is found out when the task ends. */
export async function renewClaim(backend: StateBackend, claim: HeldClaim, now: number): Promise<boolean> {
  const renewed = encodeClaim({ ...decodeClaim(claim.bytes) as OnceClaim, at: now });
  if (!await backend.replaceIfEqual(claim.key, claim.bytes, renewed, claim)) {
    const whose = await reread(backend, claim, ownerOf);
    if (whose === 'own') return true;
    // A store that was short of memory, or has lost what it had.
    if (whose === 'another' || claim.isLeft === true || !(await backend.setIfAbsent(claim.key, renewed, claim)).taken) return false;
  }
  claim.bytes = renewed;
  return true;
}

/**
 * Writes over a claim of our own. A write whose answer was lost, or a renewal, may stand there instead of what was last
 * known. Another's stays: false.
 */
export async function replaceOwn(backend: StateBackend, claim: HeldClaim, bytes: Buffer, expiresInMs: number): Promise<boolean> {
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
    if (await backend.replaceIfEqual(claim.key, claim.bytes, bytes, { expiresInMs })) {
      claim.bytes = bytes;
      return true;
    }
    if (await reread(backend, claim, ownerOf) !== 'own') return false;
    if (claim.bytes.equals(bytes)) return true;
  }
  return false;
}

function ownerOf(bytes: Buffer): string | undefined {
  return decodeClaim(bytes)?.owner;
}
