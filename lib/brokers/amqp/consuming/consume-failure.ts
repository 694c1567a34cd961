import type { DispatcherError } from '../../../errors.js';
import type { ChannelClosure } from '../connection/open-channel.js';
import { declarationFailure } from '../topology/declaration-failure.js';

export function consumeFailure(queue: string, error: unknown): DispatcherError {
  return declarationFailure(error, `queue "${queue}" for consuming`);
}

export function closureFailure(queue: string, closure: ChannelClosure): DispatcherError {
  return consumeFailure(queue, Object.assign(new Error(closure.text), { code: closure.code }));
}

/** Refusals do not pass quickly by themselves; the rest may. */
export function firstRecoveryPauseMs(error: DispatcherError): number {
  return error.retryable ? 100 : 1000;
}
