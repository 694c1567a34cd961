import { MalformedMessageError, pack, unpack, type Fields } from './ledger-frame.js';

/**
 * What the keeper writes into the queue: not what was asked, but what became of it. So a record says
 * the same whenever it is read: the later of two about the same thing is right, whatever else is lost.
 * `operation` is the id of what was asked; times are milliseconds since 1970 by the keepers' clocks.
 */
export type RecordContent = ValueContent | MemberContent | ProlongedContent | DeletedContent | CheckpointContent;

/** The key has this value. */
export interface ValueContent {
  readonly kind: 'value';
  readonly key: string;
  readonly value: Buffer;
  readonly expiresAt?: number | undefined;
  readonly operation: string;
}

/** The set of this key has this member. `set` names one life of the set: whatever bears another name is of an earlier one. */
export interface MemberContent {
  readonly kind: 'member';
  readonly key: string;
  readonly set: string;
  readonly member: string;
  /** Its place in the order of arrival. */
  readonly index: number;
  readonly value: Buffer;
  readonly expiresAt?: number | undefined;
  readonly operation: string;
}

/** The set lives until then, by an addition of what was in it already. */
export interface ProlongedContent {
  readonly kind: 'prolonged';
  readonly key: string;
  readonly set: string;
  readonly expiresAt?: number | undefined;
  readonly operation: string;
}

/** The value of this key is gone, or the value and the set. Kept until what it outdates has gone for sure. */
export interface DeletedContent {
  readonly kind: 'deleted';
  readonly key: string;
  readonly scope: 'value' | 'all';
  readonly operation: string;
}

/** Says nothing. Once it is confirmed, so is what went before it. */
export interface CheckpointContent { readonly kind: 'checkpoint' }

/** A record with the keeper's time at which it was written. */
export interface WrittenRecord { readonly content: RecordContent; readonly writtenAt: number }

export function encodeRecord({ content, writtenAt }: WrittenRecord): Buffer {
  if (content.kind === 'value' || content.kind === 'member') {
    const { value, ...header } = content;
    return pack({ ...header, writtenAt }, [value]);
  }
  return pack({ ...content, writtenAt });
}

/** @throws MalformedMessageError */
export function decodeRecord(body: Buffer): WrittenRecord {
  const fields = unpack(body);
  const kind = fields.text('kind');
  const read = Object.hasOwn(READERS, kind) ? READERS[kind as RecordContent['kind']] : undefined;
  if (read === undefined) throw new MalformedMessageError(`"${kind.slice(0, 40)}" is no record`);
  return { content: read(fields), writtenAt: fields.count('writtenAt') };
}

/** A copy: the value is a view into what came from the socket, which it would hold in memory. */
const ownValue = (fields: Fields): Buffer => Buffer.from(fields.value(0));

const READERS: { readonly [K in RecordContent['kind']]: (fields: Fields) => RecordContent } = {
  value: (fields) => ({ kind: 'value', ...about(fields), value: ownValue(fields), expiresAt: fields.time('expiresAt') }),
  member: (fields) => ({
    kind: 'member', ...about(fields), set: fields.text('set'), member: fields.text('member'), index: indexOf(fields), value: ownValue(fields), expiresAt: fields.time('expiresAt'),
  }),
  prolonged: (fields) => ({ kind: 'prolonged', ...about(fields), set: fields.text('set'), expiresAt: fields.time('expiresAt') }),
  deleted: (fields) => ({ kind: 'deleted', ...about(fields), scope: fields.text('scope') === 'value' ? 'value' : 'all' }),
  checkpoint: () => ({ kind: 'checkpoint' }),
};

/** More than any set holds: a page must not look for members at a billion places. */
const MAX_INDEX = 10_000_000;

function indexOf(fields: Fields): number {
  const index = fields.count('index');
  if (index <= MAX_INDEX) return index;
  throw new MalformedMessageError(`a member with the index ${index}`);
}

const about = (fields: Fields): { key: string; operation: string } => ({ key: fields.text('key'), operation: fields.text('operation') });
