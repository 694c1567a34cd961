import { ConfigurationError } from '../errors.js';
import { display } from '../task/argument-types.js';
import { text, type OptionKind } from '../task/option-kinds.js';
import { checkOptions, type OptionTable } from '../task/options.js';

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
const LONGEST_UUID = 255;

const seconds: OptionKind = {
  expected: `a number above 0 and at most ${LONGEST_SECONDS} (10 years)`,
  fits: (value) => typeof value === 'number' && value > 0 && value <= LONGEST_SECONDS,
};
const OPTIONS: OptionTable<CancelOptions> = { by: text(1_000, 0), reason: text(1_000, 0), expiresInSeconds: seconds };

/** @throws ConfigurationError */
export function cancellationOf(uuids: readonly string[], options: CancelOptions | undefined, now: number): Cancellation {
  if (!Array.isArray(uuids)) throw noUuids(uuids);
  for (const uuid of uuids) {
    if (typeof uuid !== 'string' || uuid === '' || uuid.length > LONGEST_UUID) {
      throw noUuids(uuid);
    }
  }
  const { by, reason, expiresInSeconds = DEFAULT_SECONDS } = checkOptions(options, OPTIONS, { of: 'cancel', example: "{ by: 'ann', reason: 'sent twice' }" });
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

function noUuids(found: unknown): ConfigurationError {
  return new ConfigurationError(`cancel takes the uuid of a task, as publish returned it, or a list of them; found ${display(found)}.`, { uuid: found });
}

function textOf(by: string | undefined, reason: string | undefined): string {
  const who = by === undefined ? 'called off' : `called off by ${by}`;
  return reason === undefined ? who : `${who}: ${reason}`;
}
