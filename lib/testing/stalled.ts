import { DispatcherError } from '../errors.js';

/** A task under test does not get on. */
export function stalled(text: string, fields: Readonly<Record<string, unknown>>): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_TEST_STALLED', text, fields);
}
