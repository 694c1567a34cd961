const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;
/** While somebody is known to take it, it is soon offered again; after so many times he is busy for long. */
const SOON_MS = 500;
const SOON_TIMES = 20;

/**
 * How long to keep a task of unknown name away before its queue gives it to some worker again:
 * 0.1 s, doubling up to 5 s. `undefined` once the grace is used up.
 *
 * @param returns how often it has been given back before
 * @param random from 0 to 1. A part of the pause is left to it: two workers that give back in step would each get the
 *   other's tasks again and again
 */
export function returnPauseMs(returns: number, graceSeconds: number, random: number): number | undefined {
  let spent = 0;
  let pause = FIRST_PAUSE_MS;
  for (let i = 0; i < returns && spent < graceSeconds * 1000; i++) {
    spent += pause;
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
  return spent < graceSeconds * 1000 ? Math.round(pause * (1 + random / 2)) : undefined;
}

/**
 * The same where somebody living is known to take it: from 0.1 s to 0.5 s, and to 5 s once that has been in vain for
 * long. There is no end to it.
 *
 * @param passes how often it has been given back so before
 */
export function passPauseMs(passes: number, random: number): number {
  const soon = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(passes, 10), SOON_MS);
  const later = SOON_MS * 2 ** Math.min(Math.max(passes - SOON_TIMES, 0), 10);
  return Math.round(Math.min(Math.max(soon, passes > SOON_TIMES ? later : 0), LONGEST_PAUSE_MS) * (0.5 + random));
}
