import type { FileCount } from './count-words-in-file.js';

/** What `count_words` returns: one file, and who counted it. */
export interface CountedFile extends FileCount {
  path: string;
  worker: string;
}

/** How a member of the group has ended, as the callback of an `all-settled` one is told. */
export type SettledCount = { status: 'fulfilled'; value: CountedFile } | { status: 'rejected'; reason: string };
