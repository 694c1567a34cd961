import type { DispatcherError } from '../../errors.js';

/** A task that the broker has taken responsibility for. @publicApi */
export interface PublishedTask {
  readonly uuid: string;
}

/** What became of one task of `publishMany`, at the same place in the list. @publicApi */
export type PublishOutcome =
  | { readonly accepted: true; readonly uuid: string }
  /** `error` is what `publish` would have rejected with. */
  | { readonly accepted: false; readonly error: DispatcherError };
