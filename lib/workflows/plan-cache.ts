import type { PlanNode } from './plan-node.js';

const MOST_BYTES = 32 * 1024 * 1024;
const MOST_PLANS = 1_000;

interface Kept { readonly node: PlanNode; readonly bytes: number; readonly readAt: number }

/** The plans used last: they never change, so that a member of a group need not fetch what another has fetched. */
export class PlanCache {
  private readonly plans = new Map<string, Kept>();
  private bytes = 0;

  get(key: string): Kept | undefined {
    const kept = this.plans.get(key);
    if (kept === undefined) return undefined;
    this.plans.delete(key);
    this.plans.set(key, kept);
    return kept;
  }

  put(key: string, node: PlanNode, bytes: number, readAt: number): void {
    this.remove(key);
    this.plans.set(key, { node, bytes, readAt });
    this.bytes += bytes;
    for (const oldest of this.plans.keys()) {
      if (this.bytes <= MOST_BYTES && this.plans.size <= MOST_PLANS) return;
      this.remove(oldest);
    }
  }

  private remove(key: string): void {
    this.bytes -= this.plans.get(key)?.bytes ?? 0;
    this.plans.delete(key);
  }
}
