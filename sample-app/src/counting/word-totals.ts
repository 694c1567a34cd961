import { extname } from 'node:path';
import type { FileCount } from './count-words-in-file.js';

const MOST_TOP_FILES = 5;
const MOST_PROBLEMS = 20;

export interface Sum {
  files: number;
  words: number;
}

/** Sums that stay small however many files there are. */
export class WordTotals {
  readonly all: Sum & { lines: number; bytes: number } = { files: 0, words: 0, lines: 0, bytes: 0 };
  readonly byExtension = new Map<string, Sum>();
  readonly byWorker = new Map<string, Sum>();
  /** The files with most words, most first. */
  readonly top: { path: string; words: number }[] = [];
  /** The first of those that could not be read; `problemCount` has the number of all. */
  readonly problems: { path: string; problem: string }[] = [];
  problemCount = 0;

  add(path: string, worker: string, count: FileCount): void {
    this.all.files++;
    this.all.words += count.words;
    this.all.lines += count.lines;
    this.all.bytes += count.bytes;
    addTo(this.byExtension, extname(path) || '(none)', count.words);
    addTo(this.byWorker, worker, count.words);
    this.top.push({ path, words: count.words });
    this.top.sort((a, b) => b.words - a.words);
    this.top.length = Math.min(this.top.length, MOST_TOP_FILES);
  }

  addProblem(path: string, problem: string): void {
    this.problemCount++;
    if (this.problems.length < MOST_PROBLEMS) this.problems.push({ path, problem });
  }
}

function addTo(sums: Map<string, Sum>, key: string, words: number): void {
  const sum = sums.get(key);
  if (sum === undefined) sums.set(key, { files: 1, words });
  else {
    sum.files++;
    sum.words += words;
  }
}
