import type { ResultBackend } from '../../../state/result-backend.js';
import type { HeldClaim } from './held-claims.js';
import { decodeClaim } from './once-claim.js';

/** Each conflict means that somebody else went on. */
const MOST_CONFLICTS = 20;

/**
 * Writes over a claim of our own. A write whose answer was lost, or a renewal, may stand there instead of what was last
 * known. Another's stays: false.
 */
export async function replaceOwn(backend: ResultBackend, claim: HeldClaim, bytes: Buffer, expiresInMs: number): Promise<boolean> {
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
    if (await backend.replaceIfEqual(claim.key, claim.bytes, bytes, { expiresInMs })) {
      claim.bytes = bytes;
      return true;
    }
    const found = await backend.get(claim.key);
    if (found === undefined || decodeClaim(found)?.owner !== claim.owner) return false;
    claim.bytes = found;
    if (found.equals(bytes)) return true;
  }
  return false;
}
