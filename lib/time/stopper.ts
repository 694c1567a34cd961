import { setMaxListeners } from 'node:events';

/** An AbortController for whom any number may wait: from the eleventh listener on Node takes them for a leak, and warns. */
export function makeStopper(): AbortController {
  const stopper = new AbortController();
  setMaxListeners(0, stopper.signal);
  return stopper;
}
