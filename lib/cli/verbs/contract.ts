import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { toAsyncApi } from '../../contract/asyncapi/to-asyncapi.js';
import type { Broken, ContractChange } from '../../contract/compare/change.js';
import { compareContracts } from '../../contract/compare/compare-contracts.js';
import { type Contract, titleOfTask } from '../../contract/model.js';
import { CONTRACT_FORMATS, type ContractFormat, contractText, readContract } from '../../contract/text.js';
import { clientFile } from '../../contract/types/client-file.js';
import { InvalidContractError } from '../../errors.js';
import { ExitCode } from '../exit-code.js';
import { RefusedError } from '../failures.js';
import { readSettings } from '../settings/read-settings.js';
import { option, type Answer, type Verb, type VerbArgument, type VerbCall, type VerbContext, type VerbOption } from '../verb.js';

/** In the place of a file. */
const RUNNING = 'running';
const WHOM = ['publishers', 'queued', 'results'] as const;

const SOURCE: VerbArgument = { name: '[source]', about: `a file that was printed before; default: ${RUNNING}, what the processes that use the exchange tell` };
const OUT: VerbOption = { flags: '--out <file>', about: 'write it there', fallback: 'standard output' };

export const contractPrint: Verb = {
  name: 'contract print',
  summary: 'the contract of all tasks, as an AsyncAPI 3 document',
  notes: ['A running system is asked: it answers within a second, without any of its code here. A file is read and written anew, in the format that is asked for.'],
  arguments: [SOURCE],
  options: [{ flags: '--format <format>', about: 'how it is written', choices: CONTRACT_FORMATS, fallback: 'json' }, OUT],
  offline: true,
  examples: [
    ['contract print --format yaml --out asyncapi.yaml', 'of what runs now'],
    ['contract print asyncapi.yaml', 'a file as JSON'],
  ],
  run: async (context, call) => {
    const contract = await sourceOf(context, call, call.args[0]);
    return written(context, call, contractText(contract, option<ContractFormat>(call, 'format') ?? 'json'), { document: toAsyncApi(contract), tasks: contract.tasks.length });
  },
};

export const contractDiff: Verb = {
  name: 'contract diff',
  summary: 'what a new contract would break, and for whom',
  notes: [
    'publishers: who goes on as before is refused, or not understood. queued: what waits now becomes dead letters. results: who awaits results gets others.',
    'It ends with 1 where somebody of --fail-on is broken, so that a build can be stopped by it.',
  ],
  arguments: [{ name: '<old>', about: `a file that was printed before, or ${RUNNING}` }, { name: '[new]', about: `the same, of what is to come; default: ${RUNNING}` }],
  options: [{ flags: '--fail-on <whom>', about: 'whose breaking counts', choices: ['anybody', ...WHOM, 'nobody'], fallback: 'anybody' }],
  offline: true,
  examples: [
    [`contract diff ${RUNNING} asyncapi.yaml`, 'before a deployment'],
    ['contract diff main.yaml asyncapi.yaml --fail-on publishers', 'before a merge'],
  ],
  run: async (context, call) => {
    const [before, now] = [await sourceOf(context, call, call.args[0]), await sourceOf(context, call, call.args[1])];
    const changes = compareContracts(before, now);
    const failOn = option<string>(call, 'failOn') ?? 'anybody';
    const isBroken = changes.some(({ breaks }) => (failOn === 'anybody' ? breaks.length > 0 : breaks.includes(failOn as Broken)));
    return { data: { changes, breaking: isBroken }, text: describeChanges(changes), exitCode: isBroken ? ExitCode.refused : ExitCode.ok };
  },
};

export const contractTypes: Verb = {
  name: 'contract types',
  summary: 'a typed client in TypeScript, for a service that has no access to the classes of the tasks',
  notes: ['`dispatcher.client(tasks)` of that service then publishes what the contract has, checked by its compiler.'],
  arguments: [SOURCE],
  options: [OUT],
  offline: true,
  examples: [['contract types asyncapi.yaml --out src/orders.tasks.ts', 'of a file'], ['contract types > orders.tasks.ts', 'of what runs now']],
  run: async (context, call) => {
    const contract = await sourceOf(context, call, call.args[0]);
    const text = clientFile(contract);
    return written(context, call, text, { source: text, tasks: contract.tasks.length });
  },
};

function written({ terminal }: VerbContext, call: VerbCall, text: string, { document, source, tasks }: { document?: object; source?: string; tasks: number }): Answer {
  const out = option<string>(call, 'out');
  if (out === undefined) return { data: document ?? { source }, text: text.trimEnd() };
  const file = resolve(terminal.folder, out);
  try {
    writeFileSync(file, text);
  } catch (error) {
    throw new RefusedError(`${file} cannot be written: ${(error as Error).message}.`, { file });
  }
  return { data: { file, tasks }, text: `${file}: ${tasks} ${tasks === 1 ? 'task' : 'tasks'}` };
}

async function sourceOf(context: VerbContext, call: VerbCall, source: VerbCall['args'][number]): Promise<Contract> {
  if (typeof source !== 'string' || source === RUNNING) return running(context, call);
  const file = resolve(context.terminal.folder, source);
  if (!existsSync(file)) throw new RefusedError(`There is no file ${file}. Name one that \`contract print\` has written, or ${RUNNING}.`, { file });
  try {
    return readContract(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof InvalidContractError) throw new InvalidContractError(`${file}: ${error.message}`, { ...error.fields, file }, error);
    throw new RefusedError(`${file} cannot be read: ${(error as Error).message}.`, { file });
  }
}

/** @throws RefusedError where nobody has answered: an empty contract would say that there are no tasks */
async function running(context: VerbContext, call: VerbCall): Promise<Contract> {
  const { terminal } = context;
  const session = await context.open(await readSettings(call.options, terminal));
  const { contract, differing, cut, incomplete } = await session.inspection.contract();
  if (contract.tasks.length === 0) throw new RefusedError('No process has told of a task: none lives, has one, or is new enough to tell.', { exchange: session.exchange });
  const warn = (text: string): void => void terminal.stderr.write(`${text}\n`);
  for (const { task: name, version, processes } of differing) warn(`Processes differ in "${titleOfTask({ name, version })}": ${processes.length} of them ${processes.length === 1 ? 'tells' : 'tell'} something else than what is taken for the contract.`);
  for (const { task: name, version } of cut) warn(`The schemas of "${titleOfTask({ name, version })}" are too large to be told; they stand for anything.`);
  if (incomplete) warn('A process has not told of all its tasks: they are too many, or it is busy. Print the contract in the application: contractText(dispatcher.contract()).');
  return contract;
}

function describeChanges(changes: readonly ContractChange[]): string {
  if (changes.length === 0) return 'no difference';
  const groups: readonly (readonly [title: string, of: readonly ContractChange[]])[] = [
    ...WHOM.map((whom) => [`breaks ${WHOM_TEXTS[whom]}`, changes.filter(({ breaks }) => breaks.includes(whom))] as const),
    ['harmless', changes.filter(({ breaks }) => breaks.length === 0)],
  ];
  return groups.filter(([, of]) => of.length > 0).map(([title, of]) => [`${title}:`, ...of.map(({ task: name, version = 1, text }) => `  ${name === undefined ? '' : `${titleOfTask({ name, version })}: `}${text}`)].join('\n')).join('\n\n');
}

const WHOM_TEXTS: Readonly<Record<(typeof WHOM)[number], string>> = { publishers: 'publishers', queued: 'queued tasks', results: 'consumers of results' };
