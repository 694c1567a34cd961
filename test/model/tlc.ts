import { execFile } from 'node:child_process';
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { findTlc } from '../../scripts/find-tlc.mjs';
import { removeFolder, temporaryFolder } from '../support/temporary-folder.js';

const SPECS = resolve('test/model/specs');
const LIMIT_MS = 3_600_000;
const MOST_OUTPUT_BYTES = 1 << 28;
/** Where TLC has found that something is violated it ends with one of these; any other is its own failure. */
const VIOLATIONS = [11, 12, 13];

/** Why nothing can be checked here, for the title of what is skipped; absent where it can. */
export const noTlc = findTlc() === undefined
  ? 'Found no TLC on this machine. `npm run model` fetches it, where there are Java and Maven: apt-get install default-jre-headless maven' : undefined;

/** What TLC is to check of one specification, and with which bounds. */
export interface TlcRun {
  readonly spec: string;
  /** Its formula. Default: `Spec`. */
  readonly specification?: string;
  readonly constants: Readonly<Record<string, string | number | boolean | readonly string[]>>;
  /** Constants that are what an operator says. */
  readonly operators?: Readonly<Record<string, string>>;
  readonly invariants?: readonly string[];
  readonly properties?: readonly string[];
  /** The constants whose values are alike: states that differ only in who is who are one. Not for liveness. */
  readonly symmetry?: readonly string[];
  /** It takes minutes: worth Java's slower compiler. */
  readonly isLarge?: boolean;
  /** Modules that are made for this run, by their names. */
  readonly modules?: Readonly<Record<string, string>>;
}

export interface TlcResult {
  /** The name of an invariant or a property that does not hold; `Temporal properties` where TLC does not say which. */
  readonly violated?: string;
  readonly states: number;
  readonly distinct: number;
  readonly depth: number;
  readonly seconds: number;
  readonly output: string;
}

/** Runs TLC to its end. @throws what it says where it could not check */
export async function runTlc(run: TlcRun): Promise<TlcResult> {
  const tlc = findTlc();
  if (tlc === undefined) throw new Error(noTlc);
  const folder = temporaryFolder('model');
  try {
    for (const file of readdirSync(SPECS)) copyFileSync(join(SPECS, file), join(folder, file));
    for (const [name, text] of Object.entries(run.modules ?? {})) writeFileSync(join(folder, `${name}.tla`), text);
    writeFileSync(join(folder, 'Run.cfg'), configurationOf(run));
    writeFileSync(join(folder, 'Run.tla'), moduleOf(run));
    // One worker: what it finds first is the same each time. It unpacks its own modules among the temporary files.
    const args = ['-XX:+UseParallelGC', '-XX:ParallelGCThreads=1', `-XX:TieredStopAtLevel=${run.isLarge === true ? 4 : 1}`, `-Djava.io.tmpdir=${folder}`, '-cp', tlc.jar, 'tlc2.TLC',
      '-workers', '1', '-metadir', join(folder, 'states'), '-lncheck', 'final', '-config', 'Run.cfg', 'Run.tla'];
    const startedAt = performance.now();
    const { code, output } = await execute(tlc.java, args, folder);
    return read(run.spec, code, output, (performance.now() - startedAt) / 1000);
  } finally {
    removeFolder(folder);
  }
}

function configurationOf({ specification = 'Spec', constants, operators = {}, invariants = [], properties = [], symmetry }: TlcRun): string {
  return [
    `SPECIFICATION ${specification}`,
    'CHECK_DEADLOCK FALSE',
    ...Object.entries(constants).map(([name, value]) => `CONSTANT ${name} = ${constantOf(value)}`),
    ...Object.entries(operators).map(([name, operator]) => `CONSTANT ${name} <- ${operator}`),
    ...symmetry === undefined ? [] : ['SYMMETRY Alike'],
    ...invariants.map((name) => `INVARIANT ${name}`),
    ...properties.map((name) => `PROPERTY ${name}`),
  ].join('\n');
}

/** What is alike stands here and not in the specification: TLC lists all permutations at once, however many there are in a trace. */
function moduleOf({ spec, symmetry }: TlcRun): string {
  const alike = symmetry === undefined ? [] : [`Alike == ${symmetry.map((name) => `Permutations(${name})`).join(' \\cup ')}`];
  return ['---- MODULE Run ----', `EXTENDS ${spec}, TLC`, ...alike, '====', ''].join('\n');
}

/** A list is a set of model values; a text is a text. */
function constantOf(value: string | number | boolean | readonly string[]): string {
  if (typeof value === 'boolean') return value ? 'TRUE' : 'FALSE';
  if (typeof value === 'object') return `{${value.join(', ')}}`;
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function execute(program: string, args: readonly string[], cwd: string): Promise<{ code: number; output: string }> {
  return new Promise((done, reject) => {
    execFile(program, args, { cwd, timeout: LIMIT_MS, maxBuffer: MOST_OUTPUT_BYTES }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code === 'number') done({ code, output: stdout + stderr });
      else reject(new Error(`TLC did not come to its end: ${error?.message}`, { cause: error }));
    });
  });
}

function read(spec: string, code: number, output: string, seconds: number): TlcResult {
  const violated = /(?:Invariant|Action property) (\w+) is violated/.exec(output)?.[1] ?? (/Temporal properties were violated/.test(output) ? 'Temporal properties' : undefined);
  if (code !== 0 && (violated === undefined || !VIOLATIONS.includes(code))) throw new Error(`TLC could not check ${spec} (exit code ${code}):\n${output.slice(-4_000)}`);
  const counts = /(\d+) states generated, (\d+) distinct states found/g;
  const [, states = NaN, distinct = NaN] = [...output.matchAll(counts)].at(-1) ?? [];
  const depth = /depth of the complete state graph search is (\d+)/.exec(output)?.[1] ?? NaN;
  return { ...violated === undefined ? {} : { violated }, states: Number(states), distinct: Number(distinct), depth: Number(depth), seconds, output };
}
