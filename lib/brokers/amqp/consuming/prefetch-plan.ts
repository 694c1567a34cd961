/** More consumers than this on one channel are drawn together into one. */
const MOST_GRANTS = 6;

export type PrefetchStep = { readonly cancelAll: true } | { readonly grant: number } | undefined;

/**
 * The next step towards `target` unsettled deliveries at a time. A consumer's prefetch cannot
 * change while it lives, so a larger target adds a consumer for the difference, and a smaller one
 * cancels all; deliveries of cancelled consumers (`retired`) count until they are settled. At no
 * moment can more than the larger of old and new target be unsettled. `eager`: the target was just
 * changed, so that even one more is worth the round trips.
 */
export function nextPrefetchStep(target: number, quotas: readonly number[], retired: number, eager: boolean): PrefetchStep {
  const granted = quotas.reduce((sum, quota) => sum + quota, 0);
  if (granted > target) return { cancelAll: true };
  const room = target - granted - retired;
  if (room <= 0) return undefined;
  // Otherwise each settled delivery of a cancelled consumer would cost a consumer.
  if (!eager && retired > 0 && granted > 0 && room * 2 < target) return undefined;
  return quotas.length >= MOST_GRANTS ? { cancelAll: true } : { grant: room };
}
