import { createHash, randomBytes } from 'node:crypto';
import { ResultBackendError } from '../../errors.js';
import { clock } from '../../time/clock.js';
import { MEMBERS_PAGE_BYTES, MEMBERS_PAGE_COUNT, RESULTS_GONE, type Member, type MemberCount } from '../state-backend.js';
import { MAX_KEYS_AT_ONCE, type MembersPage } from '../result-store.js';
import type { MemcacheServersConnection } from './memcache-servers.js';

/** A set is prolonged by more than asked, so that not every addition has to prolong it. */
const PROLONG_FACTOR = 1.25;
/** Members cannot be prolonged one by one; they live so much longer than asked. */
const MEMBER_LIFE_FACTOR = 4;
const NOTHING = Buffer.from('-');

interface Header { readonly id: string; readonly expiresAt: number }

/**
 * Sets of members out of single items, each of which memcached can add atomically, and nothing else:
 *
 *     <key>~h    the set: its random id, and until when it lives
 *     <id>~<n>   slot n: one member with its value. Written once; slot n only when n-1 is taken
 *     <id>~m<h>  mark: the member with the hash h has a slot
 *     <id>~c     hint: so many slots are taken, at least
 *
 * Before somebody takes slot n, it makes sure that the member in slot n-1 has its mark, and then
 * looks for the mark of its own member. So when slot n is taken, all members before it have marks,
 * and nobody can get a second slot, whoever dies between a slot and its mark.
 */
export class MemcacheMembers {
  constructor(private readonly servers: MemcacheServersConnection) {}

  async add(key: string, member: string, value: Buffer, expiresInMs: number | undefined): Promise<MemberCount> {
    const { id } = await this.header(key, expiresInMs);
    const life = expiresInMs === undefined ? undefined : expiresInMs * MEMBER_LIFE_FACTOR;
    const own = markKey(id, member);
    const [hint] = await this.servers.getAll([`${id}~c`], id);
    let from = Math.max(0, Number(hint ?? 0) - 1);
    for (;;) {
      const { taken, last } = await this.walk(id, from);
      if (last !== undefined) await this.servers.add(markKey(id, last), NOTHING, life, id);
      if (await this.servers.get(own, id) !== undefined) return { count: taken, added: false };
      if (await this.servers.add(slotKey(id, taken), encode(member, value), life, id) === 'stored') {
        await this.servers.add(own, NOTHING, life, id);
        await this.servers.set(`${id}~c`, Buffer.from(String(taken + 1)), life, id);
        return { count: taken + 1, added: true };
      }
      from = taken;
    }
  }

  async page(key: string, position: number): Promise<MembersPage> {
    const header = await this.read(key);
    if (header === undefined) return { members: [] };
    const members: Member[] = [];
    let bytes = 0;
    while (members.length < MEMBERS_PAGE_COUNT && bytes < MEMBERS_PAGE_BYTES) {
      const slots = await this.slots(header.id, position + members.length);
      for (const slot of slots) {
        members.push(decode(slot));
        bytes += slot.length;
      }
      if (slots.length < MAX_KEYS_AT_ONCE) {
        await this.checkEnd(key, header.id, position + members.length);
        return { members };
      }
    }
    return { members, next: position + members.length };
  }

  async delete(key: string): Promise<void> {
    await this.servers.delete(`${key}~h`);
  }

  /** From a slot that is taken (or the first) to the first one that is free. */
  private async walk(id: string, from: number): Promise<{ taken: number; last?: string }> {
    let taken = from;
    let last: string | undefined;
    for (;;) {
      const slots = await this.slots(id, taken);
      taken += slots.length;
      const end = slots.at(-1);
      if (end !== undefined) last = decode(end).member;
      if (slots.length < MAX_KEYS_AT_ONCE) return { taken, ...(last === undefined ? {} : { last }) };
    }
  }

  /** The taken ones from there on, in one question. */
  private async slots(id: string, from: number): Promise<Buffer[]> {
    const keys = Array.from({ length: MAX_KEYS_AT_ONCE }, (_, index) => slotKey(id, from + index));
    const found = await this.servers.getAll(keys, id);
    const free = found.indexOf(undefined);
    return (free < 0 ? found : found.slice(0, free)) as Buffer[];
  }

  /** A cache may throw away what it likes; half a set must not pass for a whole one. */
  private async checkEnd(key: string, id: string, end: number): Promise<void> {
    const hint = Number(await this.servers.get(`${id}~c`, id) ?? 0);
    if (hint <= end) return;
    throw new ResultBackendError(
      `memcached has evicted member ${end} of ${hint} of the set '${key}'. Give it more memory (-m) and forbid eviction (-M), or choose another backend for groups.`,
      { key, position: end, members: hint }, undefined, RESULTS_GONE);
  }

  private async header(key: string, expiresInMs: number | undefined): Promise<Header> {
    const name = `${key}~h`;
    const until = expiresInMs === undefined ? Infinity : clock.now() + expiresInMs;
    for (;;) {
      const found = await this.servers.getVersioned(name);
      const longLife = expiresInMs === undefined ? undefined : Math.ceil(expiresInMs * PROLONG_FACTOR);
      const fresh: Header = { id: randomBytes(16).toString('base64url'), expiresAt: longLife === undefined ? Infinity : clock.now() + longLife };
      if (found === undefined) {
        if (await this.servers.add(name, encodeHeader(fresh), longLife) === 'stored') return fresh;
        continue;
      }
      const present = decodeHeader(found.value);
      if (present.expiresAt >= until) return present;
      const prolonged = { id: present.id, expiresAt: fresh.expiresAt };
      if (await this.servers.compareAndSwap(name, encodeHeader(prolonged), found.version, longLife) === 'stored') return prolonged;
    }
  }

  private async read(key: string): Promise<Header | undefined> {
    const found = await this.servers.get(`${key}~h`);
    return found === undefined ? undefined : decodeHeader(found);
  }
}

const slotKey = (id: string, slot: number): string => `${id}~${slot}`;
const markKey = (id: string, member: string): string => `${id}~m${createHash('sha256').update(member).digest('base64url')}`;

const encodeHeader = ({ id, expiresAt }: Header): Buffer => Buffer.from(`${id} ${expiresAt}`);

function decodeHeader(bytes: Buffer): Header {
  const [id = '', expiresAt] = bytes.toString().split(' ');
  return { id, expiresAt: Number(expiresAt) };
}

function encode(member: string, value: Buffer): Buffer {
  const name = Buffer.from(member);
  const length = Buffer.allocUnsafe(2);
  length.writeUInt16BE(name.length, 0);
  return Buffer.concat([length, name, value]);
}

function decode(slot: Buffer): Member {
  const end = 2 + slot.readUInt16BE(0);
  return { member: slot.toString('utf8', 2, end), value: slot.subarray(end) };
}
