import type { StateBackend } from '../../../state/state-backend.js';
import { type HeldRecord, reread } from '../held-records.js';
import { acquit, decodeRecord, encodeRecord } from './crash-record.js';

/** What waits, or runs, must not be forgotten before it is looked at again, also over a long outage. */
export const EXPIRY = { expiresInMs: 24 * 3_600_000 };
/** Each conflict means that somebody else went on. */
export const MOST_CONFLICTS = 20;

/**
 * Keeps the record of a run from expiring. False where the run was taken over, because its connection was lost: it was no
 * crash then, and says so.
 */
export async function keepRun(backend: StateBackend, run: HeldRecord): Promise<boolean> {
  if (await backend.replaceIfEqual(run.key, run.bytes, run.bytes, EXPIRY) || await isOwn(backend, run)) return true;
  await takeChargeBack(backend, run);
  return false;
}

/** Whether the record is still this run's, after a write in vain: another may have struck itself out of it. Its bytes are known anew then. */
export async function isOwn(backend: StateBackend, run: HeldRecord): Promise<boolean> {
  return await reread(backend, run, (bytes) => decodeRecord(bytes)?.owner) === 'own';
}

/** This process lives: whoever took the run over was not to count it. */
export async function takeChargeBack(backend: StateBackend, { key, owner }: HeldRecord): Promise<void> {
  for (let conflicts = 0; conflicts < MOST_CONFLICTS; conflicts++) {
    const found = await backend.get(key);
    const record = found && decodeRecord(found);
    const acquitted = record && acquit(record, owner);
    if (found === undefined || acquitted === undefined) return;
    if (await backend.replaceIfEqual(key, found, encodeRecord(acquitted), EXPIRY)) return;
  }
}
