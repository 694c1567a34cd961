import { type Finding, ok, problem, warning } from './finding.js';

const WARNING_MS = 2_000;
/** So far apart clocks may be, where it is asked who takes tasks of a name. */
const PROBLEM_MS = 60_000;

/**
 * What it means that clocks are apart.
 *
 * @param differenceMs more than 0: the server is ahead
 * @param consequence what goes by which clock
 */
export function clockText(check: string, differenceMs: number, consequence: string): Finding {
  const apart = Math.abs(differenceMs);
  if (apart < WARNING_MS) return ok(check, "The server's clock and this machine's agree, within two seconds.");
  const found = `This machine's clock is ${Math.round(apart / 1000)} s ${differenceMs > 0 ? 'behind' : 'ahead of'} the server's. ${consequence}`;
  const todo = 'Let both follow one source of time: timedatectl set-ntp true; see chronyc tracking.';
  return apart < PROBLEM_MS ? warning(check, found, todo) : problem(check, found, todo);
}
