import Table from 'cli-table3';
import { relative } from 'node:path';
import type { Sum, WordTotals } from './word-totals.js';

const MOST_EXTENSIONS = 8;

/** The summary as it is printed: plain text, no colours, so that it reads the same in a file. */
export function summaryText(totals: WordTotals, seconds: number, binaries: number, folder = process.cwd()): string {
  const { files, words, lines, bytes } = totals.all;
  const facts = table(['', 'total'], [
    ['files', number(files)], ['words', number(words)], ['lines', number(lines)], ['bytes', number(bytes)],
    ['seconds', seconds.toFixed(2)], ['binary files skipped', number(binaries)], ['not read', number(totals.problemCount)],
  ]);
  const sections = [
    facts,
    table(['extension', 'files', 'words'], sumRows(totals.byExtension).slice(0, MOST_EXTENSIONS)),
    table(['most words in', 'words'], totals.top.map(({ path, words: most }) => [relative(folder, path) || path, number(most)])),
    table(['worker', 'files', 'words'], sumRows(totals.byWorker)),
    ...problemLines(totals),
  ];
  return sections.join('\n');
}

/** The same in one line, for logs. */
export function summaryLine(totals: WordTotals): string {
  const workers = sumRows(totals.byWorker).map(([worker, files, words]) => `${worker}: ${files} files, ${words} words`);
  return [...workers, ...(totals.problemCount > 0 ? [`not read: ${totals.problemCount}`] : [])].join('; ');
}

function sumRows(sums: ReadonlyMap<string, Sum>): string[][] {
  return [...sums].sort(([, a], [, b]) => b.words - a.words).map(([key, { files, words }]) => [key, number(files), number(words)]);
}

function problemLines({ problems, problemCount }: WordTotals): string[] {
  const lines = problems.map(({ path, problem }) => `Not read: ${path}: ${problem}`);
  if (problemCount > problems.length) lines.push(`... and ${problemCount - problems.length} more`);
  return lines;
}

function table(head: string[], rows: string[][]): string {
  const made = new Table({ head, colAligns: head.map((_, index) => (index === 0 ? 'left' : 'right')), style: { head: [], border: [], compact: true } });
  made.push(...rows);
  return made.toString();
}

function number(value: number): string {
  return value.toLocaleString('en-US');
}
