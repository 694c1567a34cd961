import type { Handler } from '../handler.js';
import { joinBatch } from '../handler-context.js';
import type { BatchCall } from './batch-call.js';

/** What a worker runs for one task of many: it ends as the call of them all says of it. */
export function batchRun(call: BatchCall): Handler['run'] {
  return (args, context) => joinBatch(call, args, context);
}

/** What a handler has beside it: its time counts from the call on. */
export function batchParts(call: BatchCall): Pick<Handler, 'batch' | 'startsItself'> {
  return { batch: call, startsItself: true };
}
