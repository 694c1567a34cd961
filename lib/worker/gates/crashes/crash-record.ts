/** More than can be wrong at the same time; the rest is only counted. */
const MOST_SUSPECTS = 100;

/** What is known of the runs of one attempt that was delivered again, under its uuid. Pure. */
export interface CrashRecord {
  /** Whose run it is, or was last; made anew for each run. */
  readonly owner: string;
  /** `waiting`: that run was left in order, and the next one may begin. */
  readonly state: 'running' | 'waiting';
  /** How many runs were begun and taken over, because nothing was heard of them again. */
  readonly crashes: number;
  /** The owners of the latest of those. Who of them lives after all, strikes itself out. */
  readonly suspects: readonly string[];
}

/** A run of which nothing is known: whether one before it crashed cannot be told. */
export function firstRun(owner: string): CrashRecord {
  return { owner, state: 'running', crashes: 0, suspects: [] };
}

/** Another run begins after what this record says. */
export function nextRun(before: CrashRecord, owner: string): CrashRecord {
  if (before.state === 'waiting') return { ...before, owner, state: 'running' };
  return { owner, state: 'running', crashes: before.crashes + 1, suspects: [...before.suspects, before.owner].slice(-MOST_SUSPECTS) };
}

/** The run of this owner goes on, or went on, where it was taken for dead. `undefined`: it was not, or is struck out already. */
export function acquit(record: CrashRecord, owner: string): CrashRecord | undefined {
  if (!record.suspects.includes(owner)) return undefined;
  return { ...record, crashes: record.crashes - 1, suspects: record.suspects.filter((suspect) => suspect !== owner) };
}

export function encodeRecord(record: CrashRecord): Buffer {
  return Buffer.from(JSON.stringify(record));
}

/** `undefined` for what is no record: somebody else's bytes. */
export function decodeRecord(bytes: Buffer): CrashRecord | undefined {
  try {
    const { owner, state, crashes, suspects } = JSON.parse(bytes.toString()) as CrashRecord;
    const isOne = typeof owner === 'string' && (state === 'running' || state === 'waiting') && Number.isSafeInteger(crashes) && Array.isArray(suspects);
    return isOne ? { owner, state, crashes, suspects } : undefined;
  } catch {
    return undefined;
  }
}
