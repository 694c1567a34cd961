import type { Member } from '../state-backend.js';
import { MalformedMessageError, pack, unpack } from './ledger-frame.js';

/** What the keeper answers. */
export type Reply =
  /** `yes`: it was done, the key was taken, the watches are known. `value`: of whoever has the key. */
  | { readonly kind: 'answer'; readonly yes: boolean; readonly value?: Buffer | undefined }
  /** For the first of the keys that were asked for, as many as fit into one message, whether they are there, and the values of those that are. */
  | { readonly kind: 'values'; readonly values: readonly (Buffer | undefined)[] }
  | { readonly kind: 'count'; readonly count: number; readonly added: boolean }
  | { readonly kind: 'members'; readonly members: readonly Member[]; readonly next?: number | undefined }
  /** It is not known whether an earlier keeper has answered it: ask anew, if nobody has. */
  | { readonly kind: 'again' }
  | { readonly kind: 'refused'; readonly reason: 'full' | 'not understood'; readonly text: string };

/** A reply with the name of the keeper that gives it: when another one answers, watches must be told anew. */
export interface SignedReply { readonly keeper: string; readonly reply: Reply }

/** A watched key has this value; without one: read it. */
export interface Told { readonly key: string; readonly value?: Buffer | undefined }

export function encodeReply({ keeper, reply }: SignedReply): Buffer {
  switch (reply.kind) {
    case 'answer':
      return pack({ keeper, kind: reply.kind, yes: reply.yes }, reply.value === undefined ? [] : [reply.value]);
    case 'values':
      return pack({ keeper, kind: reply.kind, there: reply.values.map((value) => (value === undefined ? '' : '+')) }, reply.values.filter((value) => value !== undefined));
    case 'members': {
      const { members, ...header } = reply;
      return pack({ keeper, ...header, names: members.map(({ member }) => member) }, members.map(({ value }) => value));
    }
    default:
      return pack({ keeper, ...reply });
  }
}

/** @throws MalformedMessageError */
export function decodeReply(body: Buffer): SignedReply {
  const fields = unpack(body);
  const keeper = fields.text('keeper');
  const kind = fields.text('kind');
  switch (kind) {
    case 'answer':
      return { keeper, reply: { kind, yes: fields.flag('yes'), value: copied(fields.allValues[0]) } };
    case 'values': {
      let next = 0;
      return { keeper, reply: { kind, values: fields.texts('there').map((mark) => (mark === '' ? undefined : copied(fields.value(next++)))) } };
    }
    case 'count':
      return { keeper, reply: { kind, count: fields.count('count'), added: fields.flag('added') } };
    case 'members': {
      const members = fields.texts('names').map((member, index) => ({ member, value: Buffer.from(fields.value(index)) }));
      return { keeper, reply: { kind, members, next: fields.time('next') } };
    }
    case 'again':
      return { keeper, reply: { kind } };
    case 'refused':
      return { keeper, reply: { kind, reason: fields.text('reason') === 'full' ? 'full' : 'not understood', text: fields.text('text') } };
    default:
      throw new MalformedMessageError(`"${kind.slice(0, 40)}" is no reply`);
  }
}

export function encodeTold({ key, value }: Told): Buffer {
  return pack({ key }, value === undefined ? [] : [value]);
}

/** @throws MalformedMessageError */
export function decodeTold(body: Buffer): Told {
  const fields = unpack(body);
  return { key: fields.text('key'), value: copied(fields.allValues[0]) };
}

/** The caller's own: not a view into what came from the socket. */
const copied = (value: Buffer | undefined): Buffer | undefined => (value === undefined ? undefined : Buffer.from(value));
