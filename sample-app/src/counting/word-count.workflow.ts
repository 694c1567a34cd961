import { chord, group, signature, type Workflow } from 'nestjs-dispatcher';
import { tasksRoutingKey, wordsRoutingKey } from '../dispatcher-config.js';
import type { Settings } from '../settings.js';

/** Publishes that wait for their confirm at a time. */
const PUBLISHERS = 64;

/**
 * All files at once, and the sum when the last one has ended. `all-settled`: a file that cannot be read is a line of
 * the summary, not the end of it.
 */
export function wordCount(paths: readonly string[], settings: Settings): Workflow {
  const files = paths.map((path) => signature({ name: 'count_words', args: [{ type: 'string', value: path }], routingKey: wordsRoutingKey(settings) }));
  return chord(group(files, { mode: 'all-settled', sendConcurrency: PUBLISHERS }), signature({ name: 'sum_up', routingKey: tasksRoutingKey(settings) }));
}
