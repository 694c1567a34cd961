import { extname } from 'node:path';
import type { FileCount } from './count-words-in-file.js';

const MOST_TOP_FILES = 5;
const MOST_PROBLEMS = 20;

export interface Sum {
  files: number;
  words: number;
}

/** {@link WordTotals} as it travels, as a result of a task. */
export interface TotalsData {
  all: WordTotals['all'];
  byExtension: [string, Sum][];
  byWorker: [string, Sum][];
  top: WordTotals['top'];
  problems: WordTotals['problems'];
  problemCount: number;
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

  toJSON(): TotalsData {
    const { all, byExtension, byWorker, top, problems, problemCount } = this;
    return { all, byExtension: [...byExtension], byWorker: [...byWorker], top, problems, problemCount };
  }

  static from({ all, byExtension, byWorker, top, problems, problemCount }: TotalsData): WordTotals {
    const totals = new WordTotals();
    Object.assign(totals.all, all);
    for (const [name, sum] of byExtension) totals.byExtension.set(name, sum);
    for (const [name, sum] of byWorker) totals.byWorker.set(name, sum);
    totals.top.push(...top);
    totals.problems.push(...problems);
    totals.problemCount = problemCount;
    return totals;
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
