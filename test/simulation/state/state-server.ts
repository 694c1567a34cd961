import type { Member } from '../../../lib/state/state-backend.js';
import type { World } from '../world.js';

interface Entry<T> {
  readonly value: T;
  /** By the clock that nobody sets. */
  readonly expiresAt: number;
}

/** What a store of results keeps: each operation happens as a whole, in the order in which they arrive. */
export class StateServer {
  isDown = false;
  private readonly values = new Map<string, Entry<Buffer>>();
  private readonly sets = new Map<string, Entry<Map<string, Buffer>>>();
  /** Told of each new value. */
  readonly listeners = new Set<(key: string, value: Buffer) => void>();

  constructor(private readonly world: World, private readonly isFenced = true) {}

  get(key: string): Buffer | undefined {
    const entry = this.values.get(key);
    return entry !== undefined && entry.expiresAt > this.world.elapsed() ? entry.value : undefined;
  }

  set(key: string, value: Buffer, expiresInMs: number | undefined): void {
    this.values.set(key, { value: Buffer.from(value), expiresAt: this.at(expiresInMs) });
    for (const listener of this.listeners) listener(key, value);
  }

  setIfAbsent(key: string, value: Buffer, expiresInMs: number | undefined): Buffer | undefined {
    const present = this.get(key);
    if (present === undefined) this.set(key, value, expiresInMs);
    return present;
  }

  replaceIfEqual(key: string, expected: Buffer, value: Buffer, expiresInMs: number | undefined): boolean {
    const isHeld = this.holds(key, expected);
    if (isHeld) this.set(key, value, expiresInMs);
    return isHeld;
  }

  deleteIfEqual(key: string, value: Buffer): boolean {
    const isHeld = this.holds(key, value);
    if (isHeld) this.values.delete(key);
    return isHeld;
  }

  delete(key: string): void {
    this.values.delete(key);
    this.sets.delete(key);
  }

  addMember(key: string, member: string, value: Buffer, expiresInMs: number | undefined): { count: number; added: boolean } {
    const members = this.membersOf(key);
    const added = !members.has(member);
    if (added) members.set(member, Buffer.from(value));
    this.sets.set(key, { value: members, expiresAt: this.at(expiresInMs) });
    return { count: members.size, added };
  }

  members(key: string): Member[] {
    return [...this.membersOf(key)].map(([member, value]) => ({ member, value: Buffer.from(value) }));
  }

  private membersOf(key: string): Map<string, Buffer> {
    const entry = this.sets.get(key);
    return entry !== undefined && entry.expiresAt > this.world.elapsed() ? entry.value : new Map();
  }

  /** Planted: without its fence whoever comes last has it. */
  private holds(key: string, expected: Buffer): boolean {
    const present = this.get(key);
    return present !== undefined && (!this.isFenced || present.equals(expected));
  }

  private at(expiresInMs: number | undefined): number {
    return expiresInMs === undefined ? Infinity : this.world.elapsed() + expiresInMs;
  }
}
