import { createHash, randomUUID } from 'node:crypto';
import { MEMBERS_PAGE_BYTES, MEMBERS_PAGE_COUNT, type Member, type MemberCount } from '../result-backend.js';
import type { MembersPage } from '../result-store.js';
import { expiryDate, type MongoCollections, type SetDocument } from './mongo-collections.js';
import { isDuplicateKey } from './mongo-failure.js';

/** Of how many sets the latest known count is remembered. */
const MOST_KNOWN = 1000;

/** So many additions at most before other processes hear of them, and are saved the question. */
const TELL_EVERY = 50;

/** Documents in one answer of the server, which limits it to 16 MiB besides. */
const BATCH = 50;

/**
 * Sets of members, without transactions (which only a replica set has): a member is one document,
 * inserted at the next free position. Two unique indexes let one insert settle both questions, "is
 * this member new?" and "how many are there now?", and no crash can leave it half done.
 */
export class MongoMembers {
  /** By set: how many members it has, at least. Saves the question for the next free position. */
  private readonly known = new Map<string, number>();

  constructor(private readonly collections: MongoCollections) {}

  async add(key: string, member: string, value: Buffer, expiresInMs: number | undefined): Promise<MemberCount> {
    const { set, count } = await this.liveSet(key, expiresInMs);
    const _id = `${set}:${createHash('sha256').update(member).digest('base64url')}`;
    let position = Math.max(count, this.known.get(set) ?? 0);
    for (;;) {
      try {
        await this.collections.members.insertOne({ _id, set, position, member, value });
        this.remember(set, position + 1);
        return { count: position + 1, added: true };
      } catch (error) {
        if (!isDuplicateKey(error)) throw error;
      }
      const present = await this.collections.members.findOne({ _id }, { projection: { _id: 1 } });
      position = await this.count(set);
      if (present !== null) return { count: position, added: false };
      // Another process took the position: the next one, then.
    }
  }

  async page(key: string, position: number): Promise<MembersPage> {
    const found = await this.collections.sets.findOne({ _id: key, expiresAt: { $gt: new Date() } });
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
    await this.collections.sets.updateOne({ _id: key, expiresAt: { $gt: new Date() } }, { $set: { expiresAt: new Date() } });
  }

  /** Removes sets that ended before that time, and their members. */
  async sweep(before: Date): Promise<void> {
    for await (const found of this.collections.sets.find({ expiresAt: { $lte: before } })) {
      await this.collections.members.deleteMany({ set: found.set });
      // Last: whoever is interrupted leaves a trace for the next sweep.
      await this.collections.sets.deleteOne({ _id: found._id, set: found.set, expiresAt: { $lte: before } });
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
      const live = await sets.findOneAndUpdate({ _id: key, expiresAt: { $gt: new Date() } }, { $max: { expiresAt } });
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
    const expired = await sets.findOne({ _id: key, expiresAt: { $lte: new Date() } });
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
