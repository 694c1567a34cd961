import { createHash, randomUUID } from 'node:crypto';
import { clock } from '../../time/clock.js';
import { MEMBERS_PAGE_BYTES, MEMBERS_PAGE_COUNT, type Member, type MemberCount } from '../state-backend.js';
import type { MembersPage } from '../result-store.js';
import { expiryDate, type MongoCollections, type SetDocument } from './mongo-collections.js';
import { isDuplicateKey } from './mongo-failure.js';

/** Of how many sets the latest known count is remembered. */
const MOST_KNOWN = 1000;

/** So many additions at most before other processes hear of them, and are saved the question. */
const TELL_EVERY = 50;

/** Documents in one answer of the server, which limits it to 16 MiB besides. */
const BATCH = 50;

/** What one request carries at most; the server takes 48 MB. */
const BATCH_ADDITIONS = 100;
const BATCH_BYTES = 8 * 1024 * 1024;

interface Addition {
  readonly member: string;
  readonly value: Buffer;
  readonly expiresInMs: number | undefined;
  resolve(count: MemberCount): void;
  reject(error: Error): void;
}

/**
 * Sets of members, without transactions (which only a replica set has): a member is one document,
 * inserted at the next free position. Two unique indexes let one insert settle both questions, "is
 * this member new?" and "how many are there now?", and no crash can leave it half done.
 */
export class MongoMembers {
  /** By set: how many members it has, at least. Saves the question for the next free position. */
  private readonly known = new Map<string, number>();

  private readonly lines = new Map<string, Addition[]>();

  constructor(private readonly collections: MongoCollections) {}

  /** Those of one set wait for each other: together in one request they are fast, side by side they collide. */
  add(key: string, member: string, value: Buffer, expiresInMs: number | undefined): Promise<MemberCount> {
    return new Promise((resolve, reject) => {
      const addition: Addition = { member, value, expiresInMs, resolve, reject };
      const line = this.lines.get(key);
      if (line !== undefined) return void line.push(addition);
      this.lines.set(key, [addition]);
      void this.drain(key);
    });
  }

  async page(key: string, position: number): Promise<MembersPage> {
    const found = await this.collections.sets.findOne({ _id: key, expiresAt: { $gt: clock.date() } });
    const members: Member[] = [];
    if (found === null) return { members };
    const cursor = this.collections.members.find({ set: found.set, position: { $gte: position } }, { sort: { position: 1 }, limit: MEMBERS_PAGE_COUNT, batchSize: BATCH });
    let bytes = 0;
    for await (const { member, value } of cursor) {
      members.push({ member, value });
      bytes += value.length;
      // Leaving the loop closes the cursor.
      if (bytes >= MEMBERS_PAGE_BYTES) return { members, next: position + members.length };
    }
    return members.length < MEMBERS_PAGE_COUNT ? { members } : { members, next: position + members.length };
  }

  /** Expired from now on; {@link sweep} removes what is left of it. */
  async delete(key: string): Promise<void> {
    await this.collections.sets.updateOne({ _id: key, expiresAt: { $gt: clock.date() } }, { $set: { expiresAt: clock.date() } });
  }

  /** Removes sets that ended before that time, and their members. */
  async sweep(before: Date): Promise<void> {
    for await (const found of this.collections.sets.find({ expiresAt: { $lte: before } })) {
      await this.collections.members.deleteMany({ set: found.set });
      // Last: whoever is interrupted leaves a trace for the next sweep.
      await this.collections.sets.deleteOne({ _id: found._id, set: found.set, expiresAt: { $lte: before } });
    }
  }

  private async drain(key: string): Promise<void> {
    const line = this.lines.get(key) as Addition[];
    while (line.length > 0) {
      const batch = nextBatch(line);
      try {
        await this.addAll(key, batch);
      } catch (error) {
        // Those that have been settled by then take no notice.
        for (const addition of batch) addition.reject(error as Error);
      }
    }
    this.lines.delete(key);
  }

  private async addAll(key: string, batch: readonly Addition[]): Promise<void> {
    const { set, count } = await this.liveSet(key, longest(batch));
    let position = Math.max(count, this.known.get(set) ?? 0);
    for (let rest = batch; rest.length > 0;) {
      const { inserted, clash } = await this.insert(set, position, rest);
      for (const addition of rest.slice(0, inserted)) addition.resolve({ count: ++position, added: true });
      this.remember(set, position);
      rest = rest.slice(inserted);
      const [clashing] = rest;
      if (!clash || clashing === undefined) continue;
      // Its member is there already, or another process took its position.
      const present = await this.collections.members.findOne({ _id: idOf(set, clashing.member) }, { projection: { _id: 1 } });
      position = await this.count(set);
      if (present === null) continue;
      clashing.resolve({ count: position, added: false });
      rest = rest.slice(1);
    }
  }

  /** In order, and no further than the first that clashes: positions stay dense. */
  private async insert(set: string, position: number, additions: readonly Addition[]): Promise<{ inserted: number; clash: boolean }> {
    const documents = additions.map(({ member, value }, index) => ({ _id: idOf(set, member), set, position: position + index, member, value }));
    try {
      await this.collections.members.insertMany(documents, { ordered: true });
      return { inserted: documents.length, clash: false };
    } catch (error) {
      if (!isDuplicateKey(error)) throw error;
      return { inserted: firstFailure(error), clash: true };
    }
  }

  private remember(set: string, count: number): void {
    this.known.delete(set);
    this.known.set(set, count);
    for (const [oldest] of this.known) {
      if (this.known.size <= MOST_KNOWN) return;
      this.known.delete(oldest);
    }
  }

  /** How many members there are: positions are dense. */
  private async count(set: string): Promise<number> {
    const last = await this.collections.members.findOne({ set }, { sort: { position: -1 }, projection: { position: 1 } });
    return last === null ? 0 : last.position + 1;
  }

  /** The set, prolonged; one that has expired never lives again: a new one takes its key. */
  private async liveSet(key: string, expiresInMs: number | undefined): Promise<{ set: string; count: number }> {
    const { sets } = this.collections;
    for (;;) {
      const expiresAt = expiryDate(expiresInMs);
      const live = await sets.findOneAndUpdate({ _id: key, expiresAt: { $gt: clock.date() } }, { $max: { expiresAt } });
      if (live !== null) {
        await this.tell(live);
        return { set: live.set, count: live.count ?? 0 };
      }
      const made = await this.makeSet(key, expiresAt);
      if (made !== undefined) return { set: made, count: 0 };
    }
  }

  /** Now and then, so that other processes need not try positions that are long taken. */
  private async tell({ _id, set, count = 0 }: SetDocument): Promise<void> {
    const known = this.known.get(set) ?? 0;
    if (known < count + TELL_EVERY) return;
    await this.collections.sets.updateOne({ _id, set }, { $max: { count: known } });
  }

  private async makeSet(key: string, expiresAt: Date): Promise<string | undefined> {
    const { sets } = this.collections;
    const set = randomUUID();
    const expired = await sets.findOne({ _id: key, expiresAt: { $lte: clock.date() } });
    try {
      if (expired === null) {
        await sets.insertOne({ _id: key, set, expiresAt });
        return set;
      }
      await this.bury(expired);
      const replaced = await sets.updateOne({ _id: key, set: expired.set }, { $set: { set, expiresAt, count: 0 } });
      return replaced.matchedCount === 1 ? set : undefined;
    } catch (error) {
      if (isDuplicateKey(error)) return undefined;
      throw error;
    }
  }

  /** Its members have still to be removed, but its key is needed. */
  private async bury({ set, expiresAt }: SetDocument): Promise<void> {
    // The mark is in no key of ours.
    await this.collections.sets.updateOne({ _id: `~${set}` }, { $set: { set, expiresAt } }, { upsert: true });
  }
}

function idOf(set: string, member: string): string {
  return `${set}:${createHash('sha256').update(member).digest('base64url')}`;
}

function nextBatch(line: Addition[]): Addition[] {
  let count = 0;
  let bytes = 0;
  for (const { value } of line) {
    bytes += value.length;
    if (count === BATCH_ADDITIONS || (count > 0 && bytes > BATCH_BYTES)) break;
    count++;
  }
  return line.splice(0, count);
}

/** Never for `undefined`: whoever asks for ever gets it. */
function longest(batch: readonly Addition[]): number | undefined {
  const most = Math.max(...batch.map(({ expiresInMs }) => expiresInMs ?? Infinity));
  return most === Infinity ? undefined : most;
}

/** The place of the document that was refused; all before it are in. */
function firstFailure(error: unknown): number {
  const { writeErrors } = error as { writeErrors?: { index: number } | readonly { index: number }[] };
  return [writeErrors].flat()[0]?.index ?? 0;
}
