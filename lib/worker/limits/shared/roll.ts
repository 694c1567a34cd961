/**
 * Who holds how many places of one limit: what processes write down together. Each writes how many it holds, not how
 * many more or fewer, so that a write can be repeated. Pure.
 */
export interface Roll {
  /** Changes with each write, so that no two rolls of a limit are ever the same bytes. */
  readonly version: number;
  readonly holders: ReadonlyMap<string, number>;
}

const MAX_VERSION = 2 ** 48;

/** `random`: where the versions of a new roll begin; one that was removed and made anew must differ too. */
function emptyRoll(random: number): Roll {
  return { version: Math.floor(random * MAX_VERSION), holders: new Map() };
}

/** Something that is no roll of ours counts as none. */
export function parseRoll(value: Buffer | undefined, random: number): Roll {
  if (value === undefined) return emptyRoll(random);
  try {
    const [version, holders] = JSON.parse(value.toString()) as [number, Record<string, number>];
    if (!Number.isSafeInteger(version)) return emptyRoll(random);
    return { version, holders: new Map(Object.entries(holders).filter(([, count]) => Number.isSafeInteger(count) && count > 0)) };
  } catch {
    return emptyRoll(random);
  }
}

/** `undefined`: nobody holds anything. */
export function encodeRoll({ version, holders }: Roll): Buffer | undefined {
  return holders.size === 0 ? undefined : Buffer.from(JSON.stringify([version, Object.fromEntries(holders)]));
}

/** The next roll: this holder with so many, and without those. */
export function changedRoll({ version, holders }: Roll, holder: string, count: number, gone: readonly string[]): Roll {
  const next = new Map(holders);
  for (const name of gone) next.delete(name);
  if (count > 0) next.set(holder, count);
  else next.delete(holder);
  return { version: (version + 1) % MAX_VERSION, holders: next };
}

/** How many places all others hold. */
export function heldByOthers({ holders }: Roll, holder: string): number {
  let sum = 0;
  for (const [name, count] of holders) if (name !== holder) sum += count;
  return sum;
}
