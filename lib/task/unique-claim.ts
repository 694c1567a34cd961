/** What is kept under a unique key: who holds it. */
export interface UniqueClaim {
  readonly uuid: string;
  /** See `UniqueMark.token`. */
  readonly token: string;
  /** `publishing`: it may yet turn out that nothing was published. `started`: it does not take other arguments any more. */
  readonly state: 'publishing' | 'held' | 'started';
  /** When it expires, in milliseconds since 1970, by the clock of whoever wrote it. */
  readonly until: number;
  /** Newer arguments for it, as a text. */
  readonly args?: string;
  /** Of the task that holds it. Absent: 1. */
  readonly version?: number;
}

export function encodeUniqueClaim(claim: UniqueClaim): Buffer {
  return Buffer.from(JSON.stringify(claim));
}

/** `undefined` for somebody else's bytes. */
export function decodeUniqueClaim(bytes: Buffer): UniqueClaim | undefined {
  try {
    const claim = JSON.parse(bytes.toString()) as UniqueClaim;
    const { uuid, token, state, until, args, version } = claim;
    const isOne = typeof uuid === 'string' && typeof token === 'string' && typeof until === 'number' && (args === undefined || typeof args === 'string') && (version === undefined || typeof version === 'number')
      && (state === 'publishing' || state === 'held' || state === 'started');
    return isOne ? claim : undefined;
  } catch {
    return undefined;
  }
}
