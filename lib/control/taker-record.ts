import { createHash } from 'node:crypto';

/** Who takes what of a queue: sets of task names, each with when somebody living last said that it is there. */
export type TakerRecord = ReadonlyMap<string, TakerSet>;

export interface TakerSet {
  readonly names: readonly string[];
  /** Milliseconds since 1970, by the clock of whoever said it. */
  readonly at: number;
}

/** Workers with the same tasks are one entry, however many processes have them. */
export function setId(names: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify([...names].sort())).digest('base64url').slice(0, 16);
}

/** Whether anybody takes this name who was there after `since`. */
export function takes(record: TakerRecord, name: string, since: number): boolean {
  for (const { names, at } of record.values()) if (at >= since && names.includes(name)) return true;
  return false;
}

/** With this set said anew; without those that nobody has said after `since`. */
export function withTaker(record: TakerRecord, names: readonly string[], now: number, since: number): TakerRecord {
  const living = [...record].filter(([, { at }]) => at >= since);
  return new Map(living).set(setId(names), { names, at: now });
}

export function encodeTakers(record: TakerRecord): Buffer {
  return Buffer.from(JSON.stringify(Object.fromEntries(record)));
}

/** What is no entry is left out: somebody else's bytes, or a newer version's. */
export function decodeTakers(bytes: Buffer | undefined): TakerRecord {
  const record = new Map<string, TakerSet>();
  if (bytes === undefined) return record;
  try {
    for (const [id, entry] of Object.entries(JSON.parse(bytes.toString()) as Record<string, TakerSet>)) {
      const { names, at } = entry;
      if (Array.isArray(names) && names.every((name) => typeof name === 'string') && typeof at === 'number') record.set(id, { names, at });
    }
  } catch {
    // As if nobody had said anything: it is said anew.
  }
  return record;
}
