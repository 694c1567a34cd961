import type { WatchOperation } from './ledger-operation.js';

interface Watcher { readonly keys: Set<string>; seenAt: number }

/** Longer than several renewals: who is silent for so long is gone. */
const SILENCE_LIMIT_MS = 15_000;

/** Who watches what, known by the address that replies go to. In memory: whoever watches tells the next keeper by itself. */
export class Registrations {
  private readonly watchers = new Map<string, Watcher>();
  private readonly byKey = new Map<string, Set<string>>();
  /** Of all watchers together. */
  private keys = 0;

  constructor(private readonly maxKeys: number) {}

  apply(address: string, operation: WatchOperation, now: number): boolean | 'full' {
    switch (operation.kind) {
      case 'subscribe': return this.subscribe(address, operation.keys, now) || 'full';
      case 'renew': return this.renew(address, operation.count, now);
      case 'unsubscribe':
        this.unsubscribe(address, operation.keys);
        return true;
    }
  }

  of(key: string): Iterable<string> {
    return this.byKey.get(key) ?? [];
  }

  forgetSilent(now: number): void {
    for (const [address, { keys, seenAt }] of this.watchers) {
      if (seenAt + SILENCE_LIMIT_MS > now) continue;
      for (const key of keys) this.forget(key, address);
      this.watchers.delete(address);
    }
  }

  /** False: too many. */
  private subscribe(address: string, keys: readonly string[], now: number): boolean {
    if (this.keys + keys.length > this.maxKeys) return false;
    let watcher = this.watchers.get(address);
    if (watcher === undefined) this.watchers.set(address, (watcher = { keys: new Set(), seenAt: now }));
    watcher.seenAt = now;
    for (const key of keys) {
      if (watcher.keys.has(key)) continue;
      watcher.keys.add(key);
      this.keys++;
      const addresses = this.byKey.get(key);
      if (addresses === undefined) this.byKey.set(key, new Set([address]));
      else addresses.add(address);
    }
    return true;
  }

  private unsubscribe(address: string, keys: readonly string[]): void {
    const watcher = this.watchers.get(address);
    if (watcher === undefined) return;
    for (const key of keys) if (watcher.keys.delete(key)) this.forget(key, address);
    if (watcher.keys.size === 0) this.watchers.delete(address);
  }

  /** False: this is not what is known here; tell all of it again. */
  private renew(address: string, count: number, now: number): boolean {
    const watcher = this.watchers.get(address);
    if (watcher !== undefined) watcher.seenAt = now;
    return (watcher?.keys.size ?? 0) === count;
  }

  private forget(key: string, address: string): void {
    this.keys--;
    const addresses = this.byKey.get(key);
    addresses?.delete(address);
    if (addresses?.size === 0) this.byKey.delete(key);
  }
}
