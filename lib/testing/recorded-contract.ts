import { readFileSync, writeFileSync } from 'node:fs';
import { compareContracts } from '../contract/compare/compare-contracts.js';
import type { Broken, ContractChange } from '../contract/compare/change.js';
import type { Contract } from '../contract/model.js';
import { contractText, readContract } from '../contract/text.js';
import { ConfigurationError, DispatcherError } from '../errors.js';
import { display } from '../task/argument-types.js';

/** @publicApi */
export interface RecordContractOptions {
  /** Whom no change may break: `queued`: tasks that wait already; `publishers` that go on as they are; who awaits `results`. Default: `['queued']`. */
  readonly failOn?: readonly Broken[];
  /** The record is replaced whatever has changed. Default: whether the environment variable DISPATCHER_UPDATE_CONTRACT is set. */
  readonly update?: boolean;
  /** Nothing is written: what differs without breaking anybody is no failure, a missing record is. Default: whether the environment variable CI is set. */
  readonly readOnly?: boolean;
  /** Which dispatcher, where there are several. Default: `default`. */
  readonly dispatcher?: string;
}

/** What {@link DispatcherTesting.recordContract} has done. @publicApi */
export type RecordedContract = 'written' | 'replaced' | 'unchanged' | 'differs';

const BREAKS: readonly Broken[] = ['publishers', 'queued', 'results'];

/** @throws DispatcherError with the code ERR_DISPATCHER_TEST_CONTRACT */
export function recordContract(contract: Contract, file: string, options: RecordContractOptions): RecordedContract {
  const { failOn = ['queued'], update = isSet('DISPATCHER_UPDATE_CONTRACT'), readOnly = isSet('CI') } = options;
  checkFailOn(failOn);
  const before = read(file);
  if (before === undefined) {
    if (readOnly) throw refused(`There is no record of the contract in ${file}. Run this test where it may write, and commit the file.`, { file });
    return write(file, contract, 'written');
  }
  const text = textOf(file, contract);
  if (before === text) return 'unchanged';
  const broken = update ? [] : compareContracts(readContract(before), contract).filter(({ breaks }) => breaks.some((whom) => failOn.includes(whom)));
  if (broken.length > 0) throw refused(breaking(file, broken), { file, changes: broken });
  return readOnly ? 'differs' : write(file, contract, 'replaced');
}

function breaking(file: string, changes: readonly ContractChange[]): string {
  const lines = changes.map(({ task, version, breaks, text }) => `  ${task === undefined ? '' : `${task}${version === undefined || version === 1 ? '' : `@${version}`}: `}${text} (breaks ${breaks.join(', ')})`);
  return `What has changed since ${file} was recorded breaks others:\n${lines.join('\n')}\n`
    + 'Give the task a version, with an upgrade for what waits: @Task(name, { version: 2, upgrade: { 1: (args) => [...] } }). '
    + 'Where it is meant so, set DISPATCHER_UPDATE_CONTRACT=1 once.';
}

function write<Outcome extends RecordedContract>(file: string, contract: Contract, outcome: Outcome): Outcome {
  writeFileSync(file, textOf(file, contract));
  return outcome;
}

function textOf(file: string, contract: Contract): string {
  return contractText(contract, /\.ya?ml$/.test(file) ? 'yaml' : 'json');
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function checkFailOn(failOn: unknown): void {
  const unknown: unknown = Array.isArray(failOn) ? failOn.find((whom: unknown) => !(BREAKS as readonly unknown[]).includes(whom)) : failOn;
  if (unknown !== undefined) throw new ConfigurationError(`failOn of recordContract takes a list of ${BREAKS.join(', ')}; found ${display(unknown)}.`, { option: 'failOn' });
}

function isSet(name: string): boolean {
  return (process.env[name] ?? '') !== '';
}

function refused(text: string, fields: Readonly<Record<string, unknown>>): DispatcherError {
  return new DispatcherError('ERR_DISPATCHER_TEST_CONTRACT', text, fields);
}
