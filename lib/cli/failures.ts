/** The command was written wrongly: what was written, what was expected, what to write. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The command was understood, and is not done: what it names is not there, or nobody has confirmed it. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';

  constructor(message: string, readonly fields: Readonly<Record<string, unknown>> = {}) {
    super(message);
  }
}

/** Somebody has pressed Ctrl-C, or sent SIGTERM. */
export class InterruptedError extends Error {
  override readonly name = 'InterruptedError';

  constructor(readonly signal: NodeJS.Signals) {
    super(`Interrupted by ${signal}.`);
  }
}
