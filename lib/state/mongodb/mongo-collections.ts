import type { Collection, Db } from 'mongodb';
import { clock } from '../../time/clock.js';

export interface ValueDocument { _id: string; value: Buffer; expiresAt: Date }
/** A set of members; its documents name it by `set`, which is new each time the set is made anew. */
export interface SetDocument {
  _id: string;
  set: string;
  expiresAt: Date;
  /** So many members it has, at least: whoever adds one tells of the one that it added before. */
  count?: number;
}
/** `_id` is the set and the hash of the member, so that a member is there once; positions are dense, from 0. */
export interface MemberDocument { _id: string; set: string; position: number; member: string; value: Buffer }

export interface MongoCollections {
  readonly values: Collection<ValueDocument>;
  readonly sets: Collection<SetDocument>;
  readonly members: Collection<MemberDocument>;
}

/** For what never expires: a date that every query and the server's own clean-up understand. */
const NEVER = new Date('9999-12-31T00:00:00Z');

export function collectionsOf(db: Db): MongoCollections {
  return {
    values: db.collection('dispatcher_results'),
    sets: db.collection('dispatcher_sets'),
    members: db.collection('dispatcher_members'),
  };
}

/** Values go by the server's own clean-up too, so that nothing stays when no process of ours is left. */
export async function ensureIndexes({ values, sets, members }: MongoCollections): Promise<void> {
  await values.createIndex({ expiresAt: 1 }, { name: 'expiry', expireAfterSeconds: 0 });
  await sets.createIndex({ expiresAt: 1 }, { name: 'expiry' });
  await members.createIndex({ set: 1, position: 1 }, { name: 'position', unique: true });
}

export function expiryDate(expiresInMs: number | undefined): Date {
  // The clock shows whole milliseconds, cut off: without the one on top, it could be one early.
  return expiresInMs === undefined ? NEVER : new Date(clock.now() + expiresInMs + 1);
}
