import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';

/** @publicApi */
export interface CancelOptions {
  /** Who cancels. Default: nobody is named. */
  readonly by?: string;
  /** Why. It reaches the event, the record of the task, and a running handler. Default: none. */
  readonly reason?: string;
  /**
   * For how long the cancellation is remembered: a task that comes later runs. Longer than the task may still wait.
   * Default: 604800, 7 days.
   */
  readonly expiresInSeconds?: number;
}

/** Some tasks that were cancelled together, as they are kept. */
export interface Cancellation {
  readonly uuids: readonly string[];
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

const DEFAULT_SECONDS = 7 * 24 * 3600;
const LONGEST_SECONDS = 10 * 366 * 24 * 3600;
const LONGEST_TEXT = 1_000;
const LONGEST_UUID = 255;

/** @throws ConfigurationError */
export function cancellationOf(uuids: readonly string[], options: CancelOptions, now: number): Cancellation {
  for (const uuid of uuids) {
    if (typeof uuid !== 'string' || uuid === '' || uuid.length > LONGEST_UUID) {
      throw new ConfigurationError(`cancel takes the uuid of a task, as publish returned it, or a list of them; found ${display(uuid)}.`, { uuid });
    }
  }
  const { by, reason, expiresInSeconds = DEFAULT_SECONDS } = options;
  for (const [field, value] of Object.entries({ by, reason })) {
    if (value !== undefined && (typeof value !== 'string' || value.length > LONGEST_TEXT)) {
      throw new ConfigurationError(`${field} of cancel must be a text of at most ${LONGEST_TEXT} characters; found ${display(value)}.`, { field });
    }
  }
  if (!(expiresInSeconds > 0 && expiresInSeconds <= LONGEST_SECONDS)) {
    throw new ConfigurationError(`expiresInSeconds of cancel must be a number above 0 and at most ${LONGEST_SECONDS} (10 years); found ${display(expiresInSeconds)}.`, { expiresInSeconds });
  }
  return { uuids, text: textOf(by, reason), expiresAt: now + expiresInSeconds * 1000 };
}

export function encodeCancellation(cancellation: Cancellation): Buffer {
  return Buffer.from(JSON.stringify(cancellation));
}

/** `undefined` for what is none: somebody else's message, or a newer version's. */
export function decodeCancellation(body: Buffer): Cancellation | undefined {
  try {
    const { uuids, text, expiresAt } = JSON.parse(body.toString()) as Cancellation;
    const isOne = Array.isArray(uuids) && uuids.every((uuid) => typeof uuid === 'string') && typeof text === 'string' && typeof expiresAt === 'number';
    return isOne ? { uuids, text, expiresAt } : undefined;
  } catch {
    return undefined;
  }
}

function textOf(by: string | undefined, reason: string | undefined): string {
  const who = by === undefined ? 'called off' : `called off by ${by}`;
  return reason === undefined ? who : `${who}: ${reason}`;
}
