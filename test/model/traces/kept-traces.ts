import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { distinct, type Trace } from './follow.js';

const FOLDER = resolve('test/model/traces/recorded');

/** Traces of a real run that were kept: what happened, one trace a line, each once. */
export function keptTraces(protocol: string): Trace[] {
  return readFileSync(`${FOLDER}/${protocol}.jsonl`, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Trace);
}

export function keepTraces(protocol: string, traces: readonly Trace[]): void {
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(`${FOLDER}/${protocol}.jsonl`, distinct(traces).map(({ trace }) => `${JSON.stringify(trace)}\n`).join(''));
}
