const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

/**
 * How long to keep a task of unknown name away before its queue gives it to some worker again:
 * 0.1 s, doubling up to 5 s. `undefined` once the grace is used up.
 *
 * @param returns how often it has been given back before
 */
export function returnPauseMs(returns: number, graceSeconds: number): number | undefined {
  let spent = 0;
  let pause = FIRST_PAUSE_MS;
  for (let i = 0; i < returns && spent < graceSeconds * 1000; i++) {
    spent += pause;
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
  return spent < graceSeconds * 1000 ? pause : undefined;
}
