/** What a user's function returned and nobody waits for: should it be a promise, its rejection is not to end the process. */
export function ignoreRejection(returned: unknown): void {
  watchRejection(returned, () => undefined);
}

/** As {@link ignoreRejection}, for whoever wants to hear of it. May throw what reading the value throws. */
export function watchRejection(returned: unknown, onRejection: (error: unknown) => void): void {
  if (typeof returned !== 'object' || returned === null || !('then' in returned)) return;
  Promise.resolve(returned).then(undefined, onRejection);
}
