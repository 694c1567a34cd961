/**
 * Milliseconds since 1970 that never go back while the process lives: where the machine's clock is set back, it goes on
 * from what it last showed, at the pace of the clock that nobody sets; where it is set forward, or the machine has
 * slept, it follows. So a delay that runs lasts no longer because somebody corrects a clock.
 *
 * @param wall the machine's clock @param monotonic the one that nobody sets, in milliseconds from any start
 */
export function forwardClock(wall: () => number, monotonic: () => number): () => number {
  let shown = wall();
  let at = monotonic();
  return () => {
    const now = monotonic();
    shown = Math.max(wall(), shown + (now - at));
    at = now;
    return Math.floor(shown);
  };
}
