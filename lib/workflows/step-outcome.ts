import { InvalidBodyError } from '../errors.js';
import { decodeValue, encodeValue } from '../results/result-value.js';
import { shortErrorRecord, type TaskErrorRecord } from '../results/task-error-record.js';

/** How a step has ended. */
export type StepOutcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: TaskErrorRecord };

export function failure(error: unknown): Extract<StepOutcome, { kind: 'error' }> {
  return { kind: 'error', error: shortErrorRecord(error) };
}

/** The text of an error as callbacks get it. */
export function errorText({ name, message }: TaskErrorRecord): string {
  return `${name}: ${message}`;
}

/** As bytes. A value that has no form is a failure: nothing could follow from it. */
export function encodeOutcome(outcome: StepOutcome): Buffer {
  if (outcome.kind === 'error') return Buffer.from(JSON.stringify(outcome));
  // By itself, not as a property: one that is a function would be left out, and pass for nothing.
  const encoded = encodeValue(outcome.value);
  if (!('problem' in encoded)) return Buffer.from(`{"kind":"value","value":${encoded.text}}`);
  return encodeOutcome(failure(new TypeError(`What the task returned cannot be kept: ${encoded.problem}.`)));
}

/** @throws InvalidBodyError */
export function decodeOutcome(bytes: Buffer): StepOutcome {
  let outcome: unknown;
  try {
    outcome = decodeValue(bytes.toString());
  } catch (error) {
    throw new InvalidBodyError('The stored outcome of a step cannot be read. Was its key written by another program?', {}, error);
  }
  const { kind } = outcome as { kind?: unknown };
  if (kind === 'value') return { kind, value: (outcome as { value?: unknown }).value };
  if (kind === 'error') return outcome as StepOutcome;
  throw new InvalidBodyError('The stored outcome of a step is of no known kind. Was it written by a newer version?');
}
