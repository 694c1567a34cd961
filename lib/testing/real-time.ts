/** Node's own, from before anybody could put something in their place: what really happens is waited for with them. */
export const real = {
  setImmediate: globalThis.setImmediate,
  setTimeout: globalThis.setTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  elapsed: performance.now.bind(performance),
};

/** The next turn of the event loop: whatever waits for no more than that has gone on. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void real.setImmediate(resolve));
}

export function moment(ms: number): Promise<void> {
  return new Promise((resolve) => void real.setTimeout(resolve, ms));
}
