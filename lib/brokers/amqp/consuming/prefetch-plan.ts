/** More consumers than this on one channel are drawn together into one. */
const MOST_GRANTS = 6;

export type PrefetchStep = { readonly cancelLast: number } | { readonly grant: number } | undefined;

/** A consumer: how many it may have unsettled, and how many it has. */
export interface Granted {
  readonly quota: number;
  readonly outstanding: number;
}

/**
 * The next step towards `target` unsettled deliveries at a time. A consumer's prefetch cannot
 * change while it lives, so a larger target adds a consumer for the difference, and a smaller one
 * cancels the youngest, or all; deliveries of cancelled consumers (`retired`) count until they are settled. At no
 * moment can more than the larger of old and new target be unsettled. `eager`: the target was just
 * changed, so that even one more is worth the round trips.
 */
export function nextPrefetchStep(target: number, grants: readonly Granted[], retired: number, eager: boolean): PrefetchStep {
  const granted = grants.reduce((sum, { quota }) => sum + quota, 0);
  if (granted > target) return { cancelLast: grants.length - mostToKeep(target - retired, grants) };
  const room = target - granted - retired;
  if (room <= 0) return undefined;
  // Otherwise each settled delivery of a cancelled consumer would cost a consumer.
  if (!eager && retired > 0 && granted > 0 && room * 2 < target) return undefined;
  return grants.length >= MOST_GRANTS ? { cancelLast: grants.length } : { grant: room };
}

/** How many of the first may stay: by them more comes while the others are cancelled, beside what those leave behind. */
function mostToKeep(room: number, grants: readonly Granted[]): number {
  let used = grants.reduce((sum, { outstanding }) => sum + outstanding, 0);
  let kept = 0;
  for (const { quota, outstanding } of grants) {
    used += quota - outstanding;
    if (used > room) return kept;
    kept++;
  }
  return kept;
}
