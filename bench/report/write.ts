import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OUTPUT, ROOT } from '../driver/paths.js';
import type { Outcome, Plan } from '../driver/session.js';

const BEGIN = '<!-- results: begin, written by npm run bench -- --update-docs -->';
const END = '<!-- results: end -->';

/** Writes Markdown and JSON into `bench/out`; returns the path without its ending. */
export function writeResults(plan: Plan, outcome: Outcome, text: string): string {
  mkdirSync(OUTPUT, { recursive: true });
  const path = join(OUTPUT, new Date().toISOString().replaceAll(':', '-').slice(0, 19));
  const { runs, tasks } = plan;
  writeFileSync(`${path}.json`, `${JSON.stringify({ at: new Date().toISOString(), runs, tasks, ...outcome }, null, 2)}\n`);
  writeFileSync(`${path}.md`, `${text}\n`);
  return path;
}

/** @throws Error when the document has lost the two comments between which the results stand */
export function updateDocs(text: string): void {
  const path = join(ROOT, 'docs', 'performance.md');
  const old = readFileSync(path, 'utf8');
  const [begin, end] = [old.indexOf(BEGIN), old.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`${path} must hold the lines "${BEGIN}" and "${END}", in this order.`);
  writeFileSync(path, `${old.slice(0, begin + BEGIN.length)}\n\n${text}\n\n${old.slice(end)}`);
}
